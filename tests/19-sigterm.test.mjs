// SIGTERM while everybody is busy: writers, an export that is read slowly, a search for blocks, subscribers
// fast and slow. The server is gone in five seconds, tells the subscribers, and has lost nothing.
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import http from 'node:http'
import os from 'node:os'
import { test } from 'node:test'
import { fine, procedure, query } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { sleep } from './lib/net.mjs'
import { signUp } from './lib/people.mjs'
import { subscribe } from './lib/stream.mjs'
import { Workload } from './lib/workload.mjs'
import { foreign, roostOnly } from './lib/where.mjs'

const { pds, plc } = await house({ mail: false })
const NOTE = 'org.example.note'
const ROUNDS = 2

/** A repository of some megabytes, more than the sockets on the way can hold. */
async function large() {
  const who = await signUp(pds)
  const cids = []
  for (let i = 0; i < 8; i++) {
    const writes = Array.from({ length: 100 }, () => ({
      $type: 'com.atproto.repo.applyWrites#create',
      collection: NOTE,
      value: { $type: NOTE, text: crypto.randomBytes(4500).toString('hex') },
    }))
    const made = fine(await procedure(pds, 'com.atproto.repo.applyWrites', { repo: who.did, validate: false, writes }, { token: who.accessJwt }))
    cids.push(...made.results.map((one) => one.cid))
  }
  return { did: who.did, cids }
}

/** Begins to read an export, and then reads no more. */
const slowly = (did) =>
  new Promise((resolve, reject) => {
    const request = http.get({ port: pds.port, host: '127.0.0.1', path: `/xrpc/com.atproto.sync.getRepo?did=${did}`, agent: false })
    request.on('error', reject)
    request.on('response', (response) => {
      response.once('data', () => response.pause())
      response.once('error', () => {})
      resolve(response)
    })
  })

const [load, big] = foreign ? [] : [await Workload.begin(pds, plc), await large()]
for (let round = 1; round <= ROUNDS; round++) {
  test(`SIGTERM while everybody is busy, round ${round}`, roostOnly('exit status'), (t) =>
    load.run(async () => {
      const slow = await Promise.all([slowly(big.did), slowly(big.did)])
      const streams = await Promise.all(Array.from({ length: 5 }, () => subscribe(pds)))
      const asleep = await subscribe(pds, { cursor: 0 })
      asleep.socket.pause()
      // From here whatever is not answered may be refused, or cut off.
      load.mayRefuse = ({ status }) => status === 503
      load.start()
      await load.working(20)
      let searches = 0
      const searching = Array.from({ length: 3 }, async () => {
        for (; load.running; searches++) {
          const cids = Array.from({ length: 40 }, () => big.cids[crypto.randomInt(big.cids.length)])
          const answer = await query(pds, 'com.atproto.sync.getBlocks', { query: { did: big.did, cids } }).catch(() => undefined)
          if (answer) assert.ok([200, 503].includes(answer.status), answer.text.slice(0, 200))
        }
      })
      await sleep(200)
      const start = performance.now()
      pds.signal('SIGTERM')
      assert.deepEqual(await pds.exited, { code: 0, signal: null })
      const took = performance.now() - start
      const starved = os.loadavg()[0] > 2 * os.cpus().length ? 5000 : 0 // others on this machine
      assert.ok(took < 5000 + starved, `${took} ms`)
      await load.stop()
      await Promise.all(searching)
      assert.ok(searches > 0)
      for (const one of streams) assert.deepEqual((await one.end).code, 1001)
      asleep.socket.resume()
      assert.ok([1001, 1006].includes((await asleep.end).code), 'it may have had no room for the last word')
      for (const one of slow) one.destroy()
      await pds.restart()
      t.diagnostic(`gone after ${Math.round(took)} ms; ${await load.check()}`)
    }),
  )
}
