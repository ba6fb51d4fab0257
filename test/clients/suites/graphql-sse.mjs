// graphql-sse in its default mode, a connection for each operation: https://the-guild.dev/graphql/sse
import { createClient } from 'graphql-sse'
import { bearer } from './support/socket.mjs'
import { asksAndBooks, comesBack, outlivesTheServer, tellsOfVisits, waitsWhenRefused, watches } from './support/story.mjs'

function connect(line, token) {
  const client = createClient({ url: line.http, headers: bearer(token) })
  return {
    ask: (query, variables) =>
      new Promise((resolve, reject) => {
        let answer
        client.subscribe({ query, variables }, { next: (payload) => (answer = payload), error: reject, complete: () => resolve(answer) })
      }),
    watch: (query, variables, ear) =>
      client.subscribe(
        { query, variables },
        { next: (payload) => ear.event(payload), error: (error) => ear.error(error), complete: () => ear.complete() },
      ),
    close: () => client.dispose(),
  }
}

asksAndBooks('graphql-sse', connect)
watches('graphql-sse', connect)
comesBack('graphql-sse', connect)
outlivesTheServer('graphql-sse', connect)
tellsOfVisits('graphql-sse', connect)
waitsWhenRefused('graphql-sse', connect, { leastWait: 900, mostConnections: 3 })
