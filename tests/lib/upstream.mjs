// Another server of the network, for what a PDS forwards: it notes each call with everything that came, and answers
// as it is told.
import http from 'node:http'

const json = { 'content-type': 'application/json' }

/** An answer in JSON. */
export const says = (body, headers = {}, status = 200) => ({ status, headers: { ...json, ...headers }, body: JSON.stringify(body) })

/**
 * Starts it on 127.0.0.1, as `did`. `answers` maps NSIDs to an answer, {status, headers, body}, to a function of the
 * call that gives one, or to one of (request, response, call) that answers itself. `calls` lists what came.
 */
export async function startUpstream({ did = 'did:web:upstream.example', answers = {} } = {}) {
  const calls = []
  const server = http.createServer(async (request, response) => {
    const nsid = new URL(request.url, 'http://localhost').pathname.replace('/xrpc/', '')
    const call = { nsid, url: request.url, method: request.method, headers: request.headers, body: Buffer.alloc(0) }
    calls.push(call)
    request.on('error', () => {})
    const how = answers[nsid] ?? says({ nsid })
    if (typeof how === 'function' && how.length > 1) return how(request, response, call)
    try {
      for await (const piece of request) call.body = Buffer.concat([call.body, piece])
    } catch {
      return // the other side has gone
    }
    const answer = typeof how === 'function' ? await how(call) : how
    response.writeHead(answer.status ?? 200, answer.headers ?? {})
    response.end(request.method === 'HEAD' ? undefined : answer.body)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  return {
    did,
    port,
    url: `http://127.0.0.1:${port}`,
    calls,
    answers,
    /** The newest call, of this method if one is named. */
    last: (nsid) => calls.findLast((call) => !nsid || call.nsid === nsid),
    close: () =>
      new Promise((resolve) => {
        server.close(resolve)
        server.closeAllConnections()
      }),
  }
}
