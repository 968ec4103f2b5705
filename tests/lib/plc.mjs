// A PLC directory: the real one (@did-plc/server, in memory), behind a door that can fail on purpose.
import http from 'node:http'
import { PlcServer, Database } from '@did-plc/server'
import * as plcLib from '@did-plc/lib'
import { freePort } from './net.mjs'
import { foreign, other } from './where.mjs'

process.env.LOG_ENABLED ??= 'false'

export async function startPlc() {
  const behind = await freePort()
  const directory = PlcServer.create({ db: Database.mock(), port: behind })
  const listen = directory.app.listen.bind(directory.app)
  directory.app.listen = (port, ...rest) => listen(port, '127.0.0.1', ...rest) // loopback only
  await directory.start()

  // What the door does with a request that changes a DID (POST): `pass`; `hang`: no answer; `500`;
  // `lost`: the operation is taken, the connection breaks before the answer; `stall`: it is taken, there is no
  // answer; `refuse`: nothing listens.
  let mode = 'pass'
  let posts = 0
  const port = await freePort()
  const door = http.createServer(async (req, res) => {
    const body = []
    for await (const piece of req) body.push(piece)
    const changes = req.method === 'POST'
    if (changes) posts++
    if (changes && mode === 'hang') return
    if (changes && mode === '500') return res.writeHead(500).end('{"message":"on purpose"}')
    const onward = http.request(
      { host: '127.0.0.1', port: behind, path: req.url, method: req.method, headers: req.headers },
      (answer) => {
        if (changes && mode === 'lost') {
          answer.resume()
          return req.socket.destroy()
        }
        if (changes && mode === 'stall') return answer.resume()
        res.writeHead(answer.statusCode, answer.headers)
        answer.pipe(res)
      },
    )
    onward.on('error', () => req.socket.destroy())
    onward.end(Buffer.concat(body))
  })
  const open = () => new Promise((resolve) => door.listen(port, '127.0.0.1', resolve))
  const shut = () =>
    new Promise((resolve) => {
      door.close(resolve)
      door.closeAllConnections()
    })
  await open()

  const url = `http://${foreign || other ? 'localhost' : '127.0.0.1'}:${port}` // the reference fetches from no bare address
  return {
    url,
    client: new plcLib.Client(`http://127.0.0.1:${behind}`),
    get posts() {
      return posts
    },
    async set(next) {
      if (mode === 'refuse' && next !== 'refuse') await open()
      if (mode !== 'refuse' && next === 'refuse') await shut()
      else if (mode === 'hang' || mode === 'stall') door.closeAllConnections()
      mode = next
    },
    async close() {
      if (mode !== 'refuse') await shut()
      await directory.destroy()
    },
  }
}
