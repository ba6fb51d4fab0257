import { text } from 'node:stream/consumers'

// What the Go test has prepared, as it comes on standard input: where the server is, tokens, a clinic that no other suite uses.
export const world = JSON.parse(await text(process.stdin))
