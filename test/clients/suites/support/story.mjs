import test from 'node:test'
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { book, cancel, openings, slotChanges, unknownField, visitChanges, visits } from './documents.mjs'
import { Ear, Picture } from './ear.mjs'
import { openLine } from './line.mjs'
import { world } from './world.mjs'

// A story is what every client must be able to do with nothing but the server's address and a token. `connect(line, token)`
// gives the client as it comes:
//   ask(document, variables) → {data, errors}    queries and mutations
//   watch(document, variables, ear) → stop()     subscriptions
//   close()

const asks = { provider: world.provider, kind: world.visitKind, from: world.from, to: world.to }

// post is the plainest of clients.
export async function post(token, query, variables) {
  const response = await fetch(world.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(10_000),
  })
  return response.json()
}

// neighbour is another caller, who books and cancels while the client under test looks on.
export async function neighbour(token, query, variables) {
  const { data, errors } = await post(token, query, variables)
  if (errors) throw new Error(JSON.stringify(errors))
  const [payload] = Object.values(data)
  if (payload.errors?.length) throw new Error(JSON.stringify(payload.errors))
  return payload
}

// now are the openings as the database has them.
export async function now() {
  return (await neighbour(world.tokens.rival, openings, asks)).slots
}

// freeSlot is an opening of the world's provider, whom nobody else books.
export async function freeSlot() {
  const { edges } = await now()
  const node = edges.find((e) => e.node.remaining > 0)?.node
  assert.ok(node, 'no opening is left')
  return node
}

const booking = (slot, key = randomUUID()) => ({ input: { target: { slotId: slot.id }, idempotencyKey: key } })

async function bookedByTheNeighbour() {
  const slot = await freeSlot()
  const { appointment } = await neighbour(world.tokens.rival, book, booking(slot))
  return { slot, appointment }
}

const cancelled = (appointment) =>
  neighbour(world.tokens.rival, cancel, { input: { appointmentId: appointment.id, reason: 'OTHER' } })

async function using(connect, token, story) {
  const line = await openLine()
  const client = await connect(line, token)
  try {
    await story(client, line)
  } finally {
    line.close()
    client.close()
  }
}

// within a minute each test ends, one way or the other.
export const within = (name, tell) => test(name, { timeout: 60_000 }, tell)

export function asksAndBooks(name, connect) {
  within(`${name}: asks`, () =>
    using(connect, world.tokens.patient, async ({ ask }) => {
      const { data, errors } = await ask(openings, asks)
      assert.equal(errors, undefined)
      assert.ok(data.node.slots.edges.length > 0)
      assert.deepEqual(data.node.slots.edges.map((e) => e.node.id), (await now()).edges.map((e) => e.node.id))
    }))

  within(`${name}: books, and the same key gets the same answer`, () =>
    using(connect, world.tokens.patient, async ({ ask }) => {
      const input = booking(await freeSlot())
      const first = await ask(book, input)
      assert.equal(first.errors, undefined)
      assert.deepEqual(first.data.bookAppointment.errors, [])
      assert.equal(first.data.bookAppointment.replayed, false)
      const second = await ask(book, input)
      assert.equal(second.data.bookAppointment.replayed, true)
      assert.deepEqual(second.data.bookAppointment.appointment, first.data.bookAppointment.appointment)
    }))

  within(`${name}: is told in data that a slot is taken, and what is free instead`, () =>
    using(connect, world.tokens.patient, async ({ ask }) => {
      const { slot } = await bookedByTheNeighbour()
      const { data, errors } = await ask(book, booking(slot))
      assert.equal(errors, undefined)
      const [failure] = data.bookAppointment.errors
      assert.equal(failure.__typename, 'SlotTakenError')
      assert.equal(failure.alternatives.length, 2)
    }))

  within(`${name}: is told that a document is wrong`, () =>
    using(connect, world.tokens.patient, async ({ ask }) => {
      const { errors } = await ask(unknownField, {})
      assert.equal(errors[0].extensions.code, 'GRAPHQL_VALIDATION_FAILED')
    }))

  within(`${name}: without a token, is told that it may not read`, () =>
    using(connect, undefined, async ({ ask }) => {
      const { data, errors } = await ask(visits, {})
      assert.equal(data?.appointments ?? null, null)
      assert.equal(errors[0].extensions.code, 'UNAUTHENTICATED')
      assert.deepEqual(errors[0].path, ['appointments'])
    }))
}

const isReady = (e) => e.__typename === 'StreamReady'
const changes = (ear) => ear.events.filter((e) => e.__typename === 'SlotsChanged')
const touches = (event, slot) => event.slots.some((s) => s.id === slot.id) || event.removedSlotIds.includes(slot.id)
const tells = (slot) => (ear) => changes(ear).some((e) => touches(e, slot))

// agree waits until what the client has put together is what the database has.
async function agree(picture, ear) {
  const wanted = new Picture((await now()).edges).open
  await ear.until(`the picture that the database has (${wanted.length} openings)`, () => {
    ear.events.forEach((e) => picture.take(e))
    return JSON.stringify(picture.open) === JSON.stringify(wanted)
  })
}

export function watches(name, connect, { anonymous = false } = {}) {
  const token = anonymous ? undefined : world.tokens.patient

  within(`${name}: sees openings come and go`, () =>
    using(connect, token, async ({ watch }) => {
      const { streamCursor, edges } = await now()
      const picture = new Picture(edges)
      const ear = new Ear()
      const stop = watch(slotChanges, { provider: world.provider, after: streamCursor }, ear)
      await ear.until('the stream to be ready', () => ear.events.some(isReady))
      const { slot, appointment } = await bookedByTheNeighbour()
      await ear.until('the booking', tells(slot))
      await agree(picture, ear)
      const before = changes(ear).length
      await cancelled(appointment)
      await ear.until('the slot to come back', () => changes(ear).slice(before).some((e) => touches(e, slot)))
      await agree(picture, ear)
      assert.deepEqual(ear.errors, [])
      stop()
    }))

  within(`${name}: continues from its last cursor`, () =>
    using(connect, token, async ({ watch }) => {
      const { streamCursor, edges } = await now()
      const picture = new Picture(edges)
      const first = new Ear()
      const stop = watch(slotChanges, { provider: world.provider, after: streamCursor }, first)
      await first.until('the stream to be ready', () => first.events.some(isReady))
      const one = await bookedByTheNeighbour()
      await first.until('the first booking', tells(one.slot))
      stop()
      const two = await bookedByTheNeighbour()
      const three = await bookedByTheNeighbour()
      await cancelled(two.appointment)
      const second = new Ear()
      const stopAgain = watch(slotChanges, { provider: world.provider, after: first.last }, second)
      await second.until('what was missed', tells(three.slot))
      first.events.forEach((e) => picture.take(e))
      await agree(picture, second)
      assert.equal(second.events[0].__typename, 'StreamReady')
      stopAgain()
    }))

  within(`${name}: is told that a cursor of another life is of no use, and that is all`, () =>
    using(connect, token, async ({ watch }) => {
      const ear = new Ear()
      watch(slotChanges, { provider: world.provider, after: 'bm9uc2Vuc2U' }, ear)
      await ear.until('the end', () => ear.completed)
      assert.deepEqual(ear.events.map((e) => e.__typename), ['StreamReset'])
      assert.deepEqual(ear.errors, [])
    }))
}

// A client that keeps the place itself is told nothing twice. The others subscribe again as they did before.
export function comesBack(name, connect, { anonymous = false, keepsThePlace = false } = {}) {
  const token = anonymous ? undefined : world.tokens.patient

  within(`${name}: comes back by itself when it is cut off, and has missed nothing`, () =>
    using(connect, token, async ({ watch }, line) => {
      const { streamCursor, edges } = await now()
      const picture = new Picture(edges)
      const ear = new Ear()
      const stop = watch(slotChanges, { provider: world.provider, after: streamCursor }, ear)
      await ear.until('the stream to be ready', () => ear.events.some(isReady))
      for (let round = 0; round < 2; round++) {
        const { slot: before } = await bookedByTheNeighbour()
        await ear.until('a booking', tells(before))
        line.cut()
        const { slot: meanwhile, appointment } = await bookedByTheNeighbour()
        await ear.until('a booking while it was away', tells(meanwhile))
        await cancelled(appointment)
        await agree(picture, ear)
      }
      equalTwins(ear)
      if (keepsThePlace) assert.deepEqual(repeated(ear), [], `something came twice: ${ear.said()}`)
      assert.deepEqual(ear.errors, [])
      assert.equal(ear.completed, false)
      stop()
    }))
}

const times = (n) => (ear) => ear.events.filter(isReady).length >= n

export function outlivesTheServer(name, connect, { anonymous = false } = {}) {
  within(`${name}: comes back when the server is started anew, and has missed nothing`, () =>
    using(connect, anonymous ? undefined : world.tokens.patient, async ({ watch }) => {
      const { streamCursor, edges } = await now()
      const picture = new Picture(edges)
      const ear = new Ear()
      const stop = watch(slotChanges, { provider: world.provider, after: streamCursor }, ear)
      await ear.until('the stream to be ready', times(1))
      await order('/restart')
      const { slot } = await bookedByTheNeighbour()
      await ear.until('a booking after it', tells(slot))
      await agree(picture, ear)
      equalTwins(ear)
      assert.deepEqual(ear.errors, [])
      assert.equal(ear.completed, false)
      stop()
    }))
}

// order has the Go test do what no client can.
export async function order(what) {
  const response = await fetch(world.orders + what, { method: 'POST', signal: AbortSignal.timeout(30_000) })
  if (!response.ok) throw new Error(await response.text())
  return response.text()
}

// connect is given a function that brings a token each time that the client wants one.
export function renewsItsToken(name, connect) {
  within(`${name}: comes back with another token when the first has run out`, () =>
    using(connect, () => order('/token?life=2s'), async ({ watch }, line) => {
      const ear = new Ear()
      const stop = watch(slotChanges, { provider: world.provider }, ear)
      await ear.until('the stream to be ready a second time', times(2))
      assert.deepEqual(ear.errors, [])
      assert.ok(line.began.length >= 2)
      stop()
    }))
}

// repeated are the slots that were told of as they were known already.
function repeated(ear) {
  const known = new Map()
  const again = []
  const tell = (id, state) => {
    if (known.get(id) === state) again.push(id)
    known.set(id, state)
  }
  for (const event of changes(ear)) {
    for (const slot of event.slots) tell(slot.id, slot.version)
    for (const id of event.removedSlotIds) tell(id, 'removed')
  }
  return again
}

// equalTwins checks that what came twice is equal.
function equalTwins(ear) {
  const seen = new Map()
  for (const slot of changes(ear).flatMap((e) => e.slots)) {
    const key = `${slot.id} ${slot.version}`
    assert.deepEqual(slot, seen.get(key) ?? slot)
    seen.set(key, slot)
  }
}

export function tellsOfVisits(name, connect) {
  within(`${name}: sees its own visits change, and nobody else's`, () =>
    using(connect, world.tokens.patient, async ({ ask, watch }) => {
      const ear = new Ear()
      const stop = watch(visitChanges, {}, ear)
      await ear.until('the stream to be ready', () => ear.events.some(isReady))
      await bookedByTheNeighbour()
      const mine = (await ask(book, booking(await freeSlot()))).data.bookAppointment.appointment
      await ear.until('the visit', () => ear.events.some((e) => e.appointment?.id === mine.id))
      assert.deepEqual(new Set(ear.events.filter((e) => e.appointment).map((e) => e.appointment.id)), new Set([mine.id]))
      stop()
    }))
}

// When a token is refused, clients must not come again at once: two connections in a row have a pause between them.
export function waitsWhenRefused(name, connect, { leastWait = 300, mostConnections = 1 } = {}) {
  within(`${name}: doesn't storm the server with a token that is refused`, () =>
    using(connect, world.tokens.refused, async ({ watch }, line) => {
      const ear = new Ear()
      const stop = watch(slotChanges, { provider: world.provider }, ear)
      const calm = AbortSignal.timeout(3000)
      await new Promise((resolve) => calm.addEventListener('abort', resolve))
      stop()
      assert.deepEqual(ear.events, [])
      assert.ok(line.began.length > 0 && line.began.length <= mostConnections, `${line.began.length} connections in 3 s`)
      const waits = line.began.slice(1).map((at, i) => at - line.began[i])
      assert.ok(waits.every((w) => w >= leastWait), `came again after ${waits} ms`)
    }))
}
