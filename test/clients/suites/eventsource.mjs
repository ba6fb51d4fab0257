// A plain EventSource, which can send no header and no body: https://html.spec.whatwg.org/multipage/server-sent-events.html
import { EventSource } from 'eventsource'
import { issueTicket } from './support/documents.mjs'
import { comesBack, neighbour, outlivesTheServer, post, tellsOfVisits, watches } from './support/story.mjs'

function connect(line, token, ticket) {
  const sources = new Set()
  return {
    watch(query, variables, ear) {
      const parameters = new URLSearchParams({ query, variables: JSON.stringify(variables), ...(ticket && { ticket }) })
      const source = new EventSource(`${line.http}?${parameters}`)
      sources.add(source)
      source.addEventListener('next', (message) => ear.event(JSON.parse(message.data)))
      source.addEventListener('complete', () => {
        source.close()
        ear.complete()
      })
      source.addEventListener('error', (error) => source.readyState === EventSource.CLOSED && ear.error(error))
      return () => source.close()
    },
    close: () => sources.forEach((s) => s.close()),
  }
}

// connectWithTicket has a page get a ticket by an ordinary request, for a stream that needs to know who is asking.
async function connectWithTicket(line, token) {
  const { ticket } = await neighbour(token, issueTicket, { input: {} })
  return { ...connect(line, token, ticket), ask: (query, variables) => post(token, query, variables) }
}

watches('EventSource', connect, { anonymous: true })
comesBack('EventSource', connect, { anonymous: true, keepsThePlace: true })
outlivesTheServer('EventSource', connect, { anonymous: true })
tellsOfVisits('EventSource with a ticket', connectWithTicket)
