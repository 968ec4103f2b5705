// Requests without any client library in between: exactly these bytes, and everything that comes back.
import assert from 'node:assert/strict'
import http from 'node:http'
import { sleep } from './net.mjs'
import { note } from './secrets.mjs'

const bearer = (token) => (token ? { authorization: `Bearer ${token}` } : {})
export const basic = (password, user = 'admin') => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})

async function answered(response) {
  const text = await response.text()
  let body
  try {
    body = text === '' ? undefined : JSON.parse(text)
  } catch {
    body = undefined
  }
  note(body)
  return { status: response.status, headers: response.headers, text, body }
}

function address(pds, method, query) {
  const url = new URL(`/xrpc/${method}`, pds.url)
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of [value].flat()) url.searchParams.append(name, String(one))
  }
  return url
}

/** GET a query. */
export const query = async (pds, method, { token, headers, ...rest } = {}) =>
  answered(
    await fetch(address(pds, method, rest.query), {
      headers: { ...bearer(token), ...headers },
      signal: AbortSignal.timeout(30_000),
    }),
  )

/**
 * POST a procedure; `body` undefined sends none. A server that is too busy to hash one more password
 * says so and when to come back; like a client, this comes back (the journeys share two cores).
 */
export async function procedure(pds, method, body, { token, headers } = {}) {
  for (let again = 0; ; again++) {
    const answer = await answered(
      await fetch(address(pds, method), {
        method: 'POST',
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...bearer(token),
          ...headers,
        },
        body: body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
        signal: AbortSignal.timeout(60_000),
      }),
    )
    const busy = answer.status === 503 && answer.body?.error === 'ServiceUnavailable' && answer.headers.has('retry-after')
    if (!busy || again === 30) return answer
    await sleep(500)
  }
}

/** The same, as the administrator. */
export const asAdmin = (pds, method, body) => procedure(pds, method, body, { headers: basic(pds.adminPassword) })

/** Any request, with headers fetch would not let us set (Host). */
export const raw = (pds, { method = 'GET', path = '/', headers = {}, body } = {}) =>
  new Promise((resolve, reject) => {
    const request = http.request(
      { host: '127.0.0.1', port: pds.port, method, path, headers, timeout: 30_000, agent: false },
      (response) => {
        const pieces = []
        response.on('data', (piece) => pieces.push(piece))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(pieces).toString()
          let parsed
          try {
            parsed = JSON.parse(text)
          } catch {
            parsed = undefined
          }
          resolve({ status: response.statusCode, headers: response.headers, text, body: parsed })
        })
      },
    )
    request.on('timeout', () => request.destroy(new Error('no answer in 30 s')))
    request.on('error', reject)
    request.end(body)
  })

/** The answer is a success; its body. */
export function fine(answer) {
  assert.equal(answer.status, 200, answer.text)
  return answer.body
}

/** The answer refuses with exactly this status and error name, in the shape of XRPC. */
export function refused(answer, status, error, message) {
  assert.deepEqual(
    { status: answer.status, error: answer.body?.error },
    { status, error },
    `expected ${status} ${error}, got ${answer.status} ${answer.text?.slice(0, 300)}`,
  )
  assert.equal(typeof answer.body.message, 'string', answer.text)
  assert.deepEqual(Object.keys(answer.body).sort(), ['error', 'message'])
  if (message instanceof RegExp) assert.match(answer.body.message, message)
  else if (message !== undefined) assert.equal(answer.body.message, message)
}
