// urql, with sockets by graphql-ws and with streams by fetch: https://nearform.com/open-source/urql
import { cacheExchange, Client, fetchExchange, subscriptionExchange } from '@urql/core'
import { bearer, connectSocket, leave } from './support/socket.mjs'
import { asksAndBooks, comesBack, tellsOfVisits, waitsWhenRefused, watches } from './support/story.mjs'

const told = ({ data, error }) => {
  if (error?.networkError) throw error.networkError
  return { data, errors: error?.graphQLErrors }
}

const client = (line, token, options) => {
  const urql = new Client({ url: line.http, fetchOptions: { headers: bearer(token) }, ...options })
  return {
    ask: async (document, variables) =>
      told(
        await (document.includes('mutation')
          ? urql.mutation(document, variables)
          : urql.query(document, variables, { requestPolicy: 'network-only' })
        ).toPromise(),
      ),
    watch(document, variables, ear) {
      let last
      const { unsubscribe } = urql.subscription(document, variables).subscribe((result) => {
        if (result.error) ear.error(result.error)
        else if (result.data && result.data !== last) ear.event(result)
        last = result.data
        if (!result.hasNext) ear.complete() // told with the last event once more
      })
      return unsubscribe
    },
  }
}

function overSocket(line, token) {
  const socket = connectSocket(line, token)
  const forwardSubscription = (request) => ({
    subscribe: (sink) => ({ unsubscribe: socket.subscribe({ ...request, query: request.query ?? '' }, sink) }),
  })
  const exchanges = [cacheExchange, fetchExchange, subscriptionExchange({ forwardSubscription })]
  return { ...client(line, token, { exchanges }), close: () => leave(socket) }
}

const overFetch = (line, token) => ({
  ...client(line, token, { exchanges: [cacheExchange, fetchExchange], fetchSubscriptions: true }),
  close() {},
})

asksAndBooks('urql', overSocket)
watches('urql over a socket', overSocket)
comesBack('urql over a socket', overSocket)
tellsOfVisits('urql over a socket', overSocket)
waitsWhenRefused('urql over a socket', overSocket, { leastWait: 900, mostConnections: 3 })
watches('urql over server-sent events', overFetch)
tellsOfVisits('urql over server-sent events', overFetch)
waitsWhenRefused('urql over server-sent events', overFetch)
