import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'

// Browsers, and Node.js from version 22 on, have one.
globalThis.WebSocket ??= WebSocket

// connectSocket gives graphql-ws as it comes: an address and a token, or a function that brings one.
export const connectSocket = (line, token) => {
  const params = async () => ({ authorization: `Bearer ${typeof token === 'function' ? await token() : token}` })
  return createClient({ url: line.socket, connectionParams: token && params })
}

// leave ends a client that may be without a connection, which it then complains of.
export const leave = (socket) => Promise.resolve(socket.dispose()).catch(() => {})

// bearer are the headers that carry a token.
export const bearer = (token) => (token ? { authorization: `Bearer ${token}` } : {})
