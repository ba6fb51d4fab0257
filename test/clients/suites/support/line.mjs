import net from 'node:net'
import { once } from 'node:events'
import { world } from './world.mjs'

// A line to the server that can be cut. Clients that are given its address reach the server through it.
export async function openLine() {
  const server = new URL(world.url)
  const sockets = new Set()
  const began = []
  let losing = false
  const listener = net.createServer((near) => {
    began.push(performance.now())
    const far = net.connect(server.port, server.hostname)
    if (losing) {
      losing = false
      far.once('data', () => near.resetAndDestroy())
    }
    for (const [socket, other] of [[near, far], [far, near]]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.pipe(other)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address()
  return {
    http: `http://127.0.0.1:${port}${server.pathname}`,
    socket: `ws://127.0.0.1:${port}${server.pathname}`,
    began, // when each connection began, in milliseconds
    cut: () => sockets.forEach((s) => s.resetAndDestroy()),
    // loseAnswer has the next connection end as soon as the server answers, before any of it arrives.
    loseAnswer: () => (losing = true),
    close() {
      sockets.forEach((s) => s.destroy())
      listener.close()
    },
  }
}
