// A plain EventSource, which can send no header and no body: https://html.spec.whatwg.org/multipage/server-sent-events.html
import { EventSource } from 'eventsource'
import { comesBack, outlivesTheServer, watches } from './support/story.mjs'

function connect(line) {
  const sources = new Set()
  return {
    watch(query, variables, ear) {
      const source = new EventSource(`${line.http}?${new URLSearchParams({ query, variables: JSON.stringify(variables) })}`)
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

watches('EventSource', connect, { anonymous: true })
comesBack('EventSource', connect, { anonymous: true })
outlivesTheServer('EventSource', connect, { anonymous: true })
