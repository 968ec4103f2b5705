// Hosts of web pages that are as a test wants them.
import http from 'node:http'
import { after } from 'node:test'

/** Where a did:web's document is. */
export const DOCUMENT = '/.well-known/did.json'

/** A page that says that. */
export const json = (value) => (_, res) =>
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))

/** A host that ends with the test or the file: `pages` maps paths to (req, res) functions, and may be changed. */
export async function host(pages) {
  const server = http.createServer((req, res) => (pages[req.url] ?? ((_, r) => r.writeHead(404).end()))(req, res))
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address()
  return { port, did: `did:web:localhost%3A${port}`, pages }
}
