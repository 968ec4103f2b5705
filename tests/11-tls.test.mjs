// TLS without a proxy in front: with a certificate, and with a file that is no certificate.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import https from 'node:https'
import path from 'node:path'
import { after, test } from 'node:test'
import { selfSigned } from './lib/certificate.mjs'
import { freePort, until } from './lib/net.mjs'
import { command, roostOnly } from './lib/where.mjs'

const { folder, certificate, certificateFile, keyFile, remove } = selfSigned()
after(remove)

const start = (port, file) =>
  spawn(command[0], command.slice(1), {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      PATH: process.env.PATH,
      PDS_HOSTNAME: 'localhost',
      PDS_PORT: String(port),
      PDS_DATA_DIRECTORY: path.join(folder, `data-${port}`),
      PDS_DID_PLC_URL: 'http://localhost:9',
      LOG_ENABLED: 'false',
      ROOST_METRICS_ADDRESS: 'off',
      ROOST_TLS_CERTIFICATE_FILE: file,
      ROOST_TLS_KEY_FILE: keyFile,
    },
  })
const health = (port) =>
  new Promise((resolve, reject) => {
    const options = { ca: certificate, servername: 'localhost' }
    https
      .get(`https://localhost:${port}/xrpc/_health`, options, (response) => {
        response.resume()
        resolve({ status: response.statusCode, protocol: response.socket.getProtocol() })
      })
      .on('error', reject)
  })

test('answers over TLS', roostOnly('the reference leaves it to a proxy'), async () => {
  const port = await freePort()
  const server = start(port, certificateFile)
  const ended = new Promise((resolve) => server.once('exit', (code) => resolve(code)))
  let answer
  await until('it answers', async () => {
    answer = await health(port).catch(() => undefined)
    return answer !== undefined
  })
  assert.deepEqual(answer, { status: 200, protocol: 'TLSv1.3' })
  server.kill('SIGTERM')
  assert.equal(await ended, 0)
})

test('a certificate that cannot be read is named', roostOnly('the same'), async () => {
  const server = start(await freePort(), path.join(folder, 'nothing.pem'))
  let said = ''
  server.stderr.on('data', (piece) => (said += piece))
  const code = await new Promise((resolve) => server.once('close', resolve))
  assert.equal(code, 1)
  assert.match(said, /nothing\.pem/)
})
