// Clients that send plain requests, each with the headers that it has: Accept says what a client can read, and the older ones
// take any status but 200 for a fault of the network.
import test from 'node:test'
import assert from 'node:assert/strict'
import { ClientError, GraphQLClient } from 'graphql-request'
import { bearer } from './support/socket.mjs'
import { asksAndBooks } from './support/story.mjs'
import { world } from './support/world.mjs'

const clients = {
  'Apollo Kotlin': 'multipart/mixed;deferSpec=20220824, application/graphql-response+json, application/json',
  'Apollo iOS': 'multipart/mixed;deferSpec=20220824,application/graphql-response+json,application/json',
  'Apollo iOS before 1.7': 'multipart/mixed;deferSpec=20220824,application/json',
  'Relay': 'application/graphql-response+json; charset=utf-8, application/json; charset=utf-8',
  'fetch': '*/*',
  'an older client': 'application/json',
}

const readable = (accept) => (accept.includes('graphql-response+json') ? 'application/graphql-response+json' : 'application/json')

const post = (accept) => (line, token) => ({
  async ask(query, variables) {
    const response = await fetch(line.http, {
      method: 'POST',
      headers: { accept, 'content-type': 'application/json', ...bearer(token) },
      body: JSON.stringify({ query, variables, operationName: /(?:query|mutation) (\w+)/.exec(query)?.[1] }),
    })
    assert.equal(response.headers.get('content-type'), `${readable(accept)}; charset=utf-8`)
    if (!accept.includes('graphql-response+json')) assert.equal(response.status, 200)
    return response.json()
  },
  close() {},
})

for (const [name, accept] of Object.entries(clients)) asksAndBooks(name, post(accept))

asksAndBooks('graphql-request', (line, token) => {
  const client = new GraphQLClient(line.http, { headers: bearer(token) })
  return {
    async ask(query, variables) {
      try {
        return await client.rawRequest(query, variables)
      } catch (error) {
        if (error instanceof ClientError) return error.response
        throw error
      }
    },
    close() {},
  }
})

test('a client without an Accept header is answered in JSON', async () => {
  const response = await fetch(world.url, {
    method: 'POST',
    headers: { accept: '', 'content-type': 'application/json' },
    body: '{"query":"{__typename}"}',
  })
  assert.match(response.headers.get('content-type'), /^application\/json/)
  assert.deepEqual(await response.json(), { data: { __typename: 'Query' } })
})
