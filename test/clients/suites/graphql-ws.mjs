// graphql-ws: https://the-guild.dev/graphql/ws
import { connectSocket, inAPage, leave } from './support/socket.mjs'
import { asksAndBooks, comesBack, outlivesTheServer, renewsItsToken, tellsOfVisits, waitsWhenRefused, watches } from './support/story.mjs'

const as = (options) => (line, token) => {
  const client = connectSocket(line, token, options)
  return {
    ask: (query, variables) =>
      new Promise((resolve, reject) => {
        let answer
        client.subscribe(
          { query, variables },
          {
            next: (payload) => (answer = payload),
            error: (error) => (Array.isArray(error) ? resolve({ errors: error }) : reject(error)),
            complete: () => resolve(answer),
          },
        )
      }),
    watch: (query, variables, ear) =>
      client.subscribe(
        { query, variables },
        { next: (payload) => ear.event(payload), error: (error) => ear.error(error), complete: () => ear.complete() },
      ),
    close: () => leave(client),
  }
}

const connect = as({})

asksAndBooks('graphql-ws', connect)
watches('graphql-ws', connect)
comesBack('graphql-ws', connect)
comesBack('graphql-ws in a page', as(inAPage))
outlivesTheServer('graphql-ws', connect)
renewsItsToken('graphql-ws', connect)
tellsOfVisits('graphql-ws', connect)
waitsWhenRefused('graphql-ws', connect, { leastWait: 900, mostConnections: 3 })
