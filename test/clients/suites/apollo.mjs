// Apollo Client: https://www.apollographql.com/docs/react
import test from 'node:test'
import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries'
import { RetryLink } from '@apollo/client/link/retry'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { OperationTypeNode } from 'graphql'
import { book, openings } from './support/documents.mjs'
import { openLine } from './support/line.mjs'
import { bearer, connectSocket, leave } from './support/socket.mjs'
import { asksAndBooks, comesBack, freeSlot, tellsOfVisits, waitsWhenRefused, watches } from './support/story.mjs'
import { world } from './support/world.mjs'

const http = (line, token, options) => new HttpLink({ uri: line.http, headers: bearer(token), ...options })

// over makes a client of what leads from its links to the server.
const over = (linksOf) => (line, token) => {
  const socket = connectSocket(line, token)
  const client = new ApolloClient({
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(socket),
      linksOf(line, token),
    ),
    cache: new InMemoryCache(),
  })
  return {
    async ask(document, variables) {
      const query = gql(document)
      const options = { variables, errorPolicy: 'all', fetchPolicy: 'no-cache' }
      const mutates = query.definitions[0].operation === 'mutation'
      const { data, error } = await (mutates ? client.mutate({ mutation: query, ...options }) : client.query({ query, ...options }))
      if (error && !CombinedGraphQLErrors.is(error)) throw error
      return { data, errors: error?.errors }
    },
    watch(document, variables, ear) {
      const subscription = client.subscribe({ query: gql(document), variables, fetchPolicy: 'no-cache', errorPolicy: 'all' }).subscribe({
        next: ({ data, error }) => (error ? ear.error(error) : ear.event({ data })),
        error: (error) => ear.error(error),
        complete: () => ear.complete(),
      })
      return () => subscription.unsubscribe()
    },
    close() {
      client.stop()
      leave(socket)
    },
  }
}

const plain = over(http)
const sha256 = (text) => createHash('sha256').update(text).digest('hex')
const persisted = over((line, token) => ApolloLink.from([new PersistedQueryLink({ sha256 }), http(line, token)]))
const persistedByGet = over((line, token) =>
  ApolloLink.from([new PersistedQueryLink({ sha256, useGETForHashedQueries: true }), http(line, token)]),
)

asksAndBooks('Apollo Client', plain)
watches('Apollo Client', plain)
comesBack('Apollo Client', plain)
tellsOfVisits('Apollo Client', plain)
waitsWhenRefused('Apollo Client', plain, { leastWait: 900, mostConnections: 3 })
asksAndBooks('Apollo Client with persisted queries', persisted)
asksAndBooks('Apollo Client with persisted queries by GET', persistedByGet)

for (const useGETForHashedQueries of [false, true]) {
  test(`Apollo Client: sends a document once, then its hash by ${useGETForHashedQueries ? 'GET' : 'POST'}`, async () => {
    const sent = []
    const client = new ApolloClient({
      cache: new InMemoryCache(),
      link: ApolloLink.from([
        new PersistedQueryLink({ sha256, useGETForHashedQueries }),
        http({ http: world.url }, world.tokens.patient, {
          fetch(address, options) {
            sent.push(options.body ?? address)
            return fetch(address, options)
          },
        }),
      ]),
    })
    const query = gql(`query Once${randomUUID().replaceAll('-', '')} { service { build } }`)
    for (let i = 0; i < 3; i++) assert.ok((await client.query({ query, fetchPolicy: 'no-cache' })).data.service)
    assert.deepEqual(sent.map((s) => s.includes('service')), [false, true, false, false])
    client.stop()
  })
}

test('Apollo Client: a booking whose answer is lost on the way is sent again, and done once', async () => {
  const line = await openLine()
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.from([new RetryLink(), http(line, world.tokens.patient)]),
  })
  try {
    const { id } = await freeSlot()
    line.loseAnswer()
    const variables = { input: { target: { slotId: id }, idempotencyKey: randomUUID() } }
    const { data } = await client.mutate({ mutation: gql(book), variables })
    assert.equal(data.bookAppointment.replayed, true)
    assert.equal(data.bookAppointment.errors.length, 0)
    assert.ok(line.began.length >= 2)
  } finally {
    client.stop()
    line.close()
  }
})

test('Apollo Client: its cache knows a slot again, however it is come by', async () => {
  const client = new ApolloClient({ cache: new InMemoryCache(), link: http({ http: world.url }, world.tokens.patient) })
  const variables = { provider: world.provider, kind: world.visitKind, from: world.from, to: world.to }
  const { data } = await client.query({ query: gql(openings), variables })
  const [{ node }] = data.node.slots.edges
  const fragment = gql('fragment Known on Slot { id version status }')
  assert.equal(client.cache.readFragment({ id: `Slot:${node.id}`, fragment }).version, node.version)
  client.stop()
})
