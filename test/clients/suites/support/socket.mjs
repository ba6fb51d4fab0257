import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'

// Browsers, and Node.js from version 22 on, have one.
globalThis.WebSocket ??= WebSocket

// connectSocket gives graphql-ws as it comes: an address and a token.
export const connectSocket = (line, token) =>
  createClient({ url: line.socket, connectionParams: token && { authorization: `Bearer ${token}` } })

// bearer are the headers that carry a token.
export const bearer = (token) => (token ? { authorization: `Bearer ${token}` } : {})
