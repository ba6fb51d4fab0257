// An ear keeps what a subscription says, and lets tests wait for it.
const patience = 15_000

export class Ear {
  events = [] // of the stream, in order
  errors = [] // of the subscription, in whatever form the client tells them
  completed = false
  #waiting = new Set()

  // event takes the payload of one `next`: its data are one event of the stream.
  event(payload) {
    if (payload.errors?.length) this.errors.push(...payload.errors)
    const [event] = Object.values(payload.data ?? {})
    if (event) this.events.push(event)
    this.#look()
  }

  error(error) {
    this.errors.push(error)
    this.#look()
  }

  complete() {
    this.completed = true
    this.#look()
  }

  get last() {
    return this.events.at(-1)?.cursor
  }

  #look() {
    for (const check of this.#waiting) check()
  }

  // until resolves once it is so.
  until(what, so) {
    return new Promise((resolve, reject) => {
      const finish = (end, value) => {
        clearTimeout(timer)
        this.#waiting.delete(check)
        end(value)
      }
      const check = () => so(this) && finish(resolve)
      const timer = setTimeout(() => finish(reject, new Error(`no sign of ${what}: ${this.said()}`)), patience)
      this.#waiting.add(check)
      check()
    })
  }

  said() {
    const errors = this.errors.map((e) => e?.message ?? e)
    return JSON.stringify({ events: this.events, errors, completed: this.completed }, null, 1)
  }
}

// Picture is what a client's cache makes of a provider's openings and the events that follow: at least once, in any number.
export class Picture {
  slots = new Map()

  constructor(edges) {
    for (const { node } of edges) this.slots.set(node.id, node)
  }

  take(event) {
    for (const slot of event.slots ?? []) {
      const known = this.slots.get(slot.id)
      if (!known || slot.version >= known.version) this.slots.set(slot.id, slot)
    }
    for (const id of event.removedSlotIds ?? []) this.slots.delete(id)
  }

  get open() {
    return [...this.slots.values()].filter((s) => s.remaining > 0).map((s) => `${s.id} ${s.start} ${s.remaining}`).sort()
  }
}
