// GraphQL over HTTP, as the package graphql-http audits it: https://github.com/graphql/graphql-http
import test from 'node:test'
import { serverAudits } from 'graphql-http'
import { world } from './support/world.mjs'

for (const audit of serverAudits({ url: world.url })) {
  test(`${audit.id} ${audit.name}`, async () => {
    const result = await audit.fn()
    if (result.status !== 'ok') throw new Error(`${result.reason}: ${await shown(result.response)}`)
  })
}

async function shown(response) {
  const head = [...response.headers].map(([name, value]) => `${name}: ${value}`).join(', ')
  return `${response.status} (${head}) ${await response.text().catch(() => 'a body that was read already')}`
}
