// Hosts of web pages that are as a test wants them.
import http from 'node:http'

/** Where a did:web's document is. */
export const DOCUMENT = '/.well-known/did.json'

/** A page that says that. */
export const json = (value) => (_, res) =>
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))

/** A server: `pages` maps paths to (req, res) functions, and may be changed. */
export async function startPages(pages) {
  const server = http.createServer((req, res) => (pages[req.url] ?? ((_, r) => r.writeHead(404).end()))(req, res))
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  return { port, did: `did:web:localhost%3A${port}`, pages, close }
}
