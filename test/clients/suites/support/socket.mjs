import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'

// The same on every Node.js, some of which have one of their own.
globalThis.WebSocket = WebSocket

// connectSocket gives graphql-ws as it comes: an address and a token, or a function that brings one.
export const connectSocket = (line, token, options) => {
  const params = async () => ({ authorization: `Bearer ${typeof token === 'function' ? await token() : token}` })
  return createClient({ url: line.socket, connectionParams: token && params, ...options })
}

// A page's WebSocket reports an error before it ends without a close code, and graphql-ws gives up at errors unless it is told not to.
class OfAPage extends WebSocket {
  set onclose(listener) {
    super.onclose = (event) => {
      if (event.code === 1006) this.onerror?.(new Event('error'))
      listener?.(event)
    }
  }
}

export const inAPage = { webSocketImpl: OfAPage, shouldRetry: () => true }

// leave ends a client that may be without a connection, which it then complains of.
export const leave = (socket) => Promise.resolve(socket.dispose()).catch(() => {})

// bearer are the headers that carry a token.
export const bearer = (token) => (token ? { authorization: `Bearer ${token}` } : {})
