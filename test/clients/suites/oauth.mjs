// A partner's system with a library for OAuth 2.0, which knows nothing but the server's address: it reads where and how tokens are got
// (RFC 8414), proves to be itself by a secret or by a key, and calls the API with what it gets.
import test from 'node:test'
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import * as oauth from 'openid-client'
import { bearer } from './support/socket.mjs'
import { world } from './support/world.mjs'

const issuer = new URL(new URL(world.url).origin)
const ask = async (token, query, variables) => {
  const response = await fetch(world.url, {
    method: 'POST',
    headers: { accept: 'application/graphql-response+json', 'content-type': 'application/json', ...bearer(token) },
    body: JSON.stringify({ query, variables }),
  })
  return { status: response.status, ...(await response.json()) }
}

// admin makes a change for the clinic.
const admin = async (name, parts, input) => {
  const type = `${name[0].toUpperCase()}${name.slice(1)}Input`
  const query = `mutation ($input: ${type}!) { ${name}(input: $input) { ${parts} errors { ... on UserError { code message } } } }`
  const { data } = await ask(world.tokens.admin, query, { input })
  assert.deepEqual(data[name].errors, [])
  return data[name]
}

const enrol = async (more = {}) => {
  const input = { name: 'Portal', scopes: ['appointments:read', 'patients:read'], idempotencyKey: randomUUID(), ...more }
  const { apiClient, secret } = await admin('createApiClient', 'apiClient { id clientId } secret', input)
  return { ...apiClient, secret }
}

const discover = (clientId, method) =>
  oauth.discovery(issuer, clientId, undefined, method, { algorithm: 'oauth2', execute: [oauth.allowInsecureRequests] })

const VIEWER = '{ viewer { kind scopes } }'
const VISITS = '{ appointments(first: 1) { edges { node { id } } } }'
const HOURS = 'mutation ($input: PutLocationInput!) { putLocation(input: $input) { errors { ... on UserError { code } } } }'

const calls = async (config) => {
  const tokens = await oauth.clientCredentialsGrant(config, {})
  assert.equal(tokens.scope, 'appointments:read patients:read')
  assert.ok(tokens.expiresIn() > 590 && tokens.expiresIn() <= 600)
  const who = await ask(tokens.access_token, VIEWER)
  assert.deepEqual(who.data.viewer, { kind: 'API_CLIENT', scopes: ['appointments:read', 'patients:read'] })
  assert.equal((await ask(tokens.access_token, VISITS)).errors, undefined)
  return tokens.access_token
}

const refused = (config, parameters, error) =>
  assert.rejects(oauth.clientCredentialsGrant(config, parameters), (thrown) => {
    assert.equal(thrown.error, error, String(thrown.stack))
    return true
  })

// unproved is how the library tells that a system that came by a header is refused: it reads the challenge alone.
const unproved = (config) =>
  assert.rejects(oauth.clientCredentialsGrant(config, {}), (thrown) => {
    assert.equal(thrown.status, 401, String(thrown.stack))
    assert.equal(thrown.cause[0].scheme, 'basic')
    return true
  })

test('what the server says of itself is what the library looks for', async () => {
  const server = (await discover('portal', oauth.None())).serverMetadata()
  assert.equal(server.issuer, issuer.origin)
  assert.deepEqual(server.grant_types_supported, ['client_credentials'])
  const keys = await (await fetch(server.jwks_uri)).json()
  assert.ok(keys.keys.length > 0 && keys.keys.every((key) => key.kty === 'OKP' && key.d === undefined))
})

test('a system calls by a secret in the header, and by one in the form', async () => {
  const { clientId, secret } = await enrol()
  await calls(await discover(clientId, oauth.ClientSecretBasic(secret)))
  await calls(await discover(clientId, oauth.ClientSecretPost(secret)))
})

for (const alg of ['Ed25519', 'ES256', 'RS256', 'PS256']) {
  test(`a system calls by a key of ${alg}`, async () => {
    const pair = await generate(alg)
    const jwk = { ...(await crypto.subtle.exportKey('jwk', pair.publicKey)), kid: 'first' }
    delete jwk.alg
    const { clientId } = await enrol({ jwks: JSON.stringify({ keys: [jwk] }) })
    await calls(await discover(clientId, oauth.PrivateKeyJwt({ key: pair.privateKey, kid: 'first' })))
    const stranger = await generate(alg)
    await refused(await discover(clientId, oauth.PrivateKeyJwt({ key: stranger.privateKey, kid: 'first' })), {}, 'invalid_client')
  })
}

const algorithms = {
  Ed25519: 'Ed25519',
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
}

const generate = (alg) => crypto.subtle.generateKey(algorithms[alg], true, ['sign', 'verify'])

test('a system gets no scope that it lacks', async () => {
  const { clientId, secret } = await enrol()
  const config = await discover(clientId, oauth.ClientSecretBasic(secret))
  await refused(config, { scope: 'directory:write' }, 'invalid_scope')
  const narrow = await oauth.clientCredentialsGrant(config, { scope: 'appointments:read directory:write' })
  assert.equal(narrow.scope, 'appointments:read')
  const changed = await ask(narrow.access_token, HOURS, {
    input: { identifier: { system: 'https://clinic.example/sites', value: 'a' }, name: 'Elsewhere', timeZone: 'UTC', addressLines: [] },
  })
  assert.equal(changed.data.putLocation.errors[0].code, 'FORBIDDEN')
})

test('a system that is revoked is out once that is answered', async () => {
  const { id, clientId, secret } = await enrol()
  const config = await discover(clientId, oauth.ClientSecretBasic(secret))
  const token = await calls(config)
  await admin('revokeApiClient', 'apiClient { revokedAt }', { apiClientId: id })
  const out = await ask(token, VIEWER)
  assert.equal(out.status, 401)
  assert.equal(out.errors[0].extensions.code, 'UNAUTHENTICATED')
  await unproved(config)
  await refused(await discover(clientId, oauth.ClientSecretPost(secret)), {}, 'invalid_client')
})
