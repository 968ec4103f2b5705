// One repository that grows: what a write costs in it, its export, and its first write after a start.
//
//   ./dev bench large [RECORDS …]     the sizes to look at, 1000 10000 100000 1000000
//
// Figures are of roost's own process: CPU is user and system.
import { cpuOf, forgetPeak, machine, memoryOf, peakOf, startPds, startPlc } from './servers.mjs'

const SIZES = process.argv.slice(2).map(Number)
const BATCH = 200
const WRITES = 500
const COLLECTION = 'app.bsky.feed.post'
const record = (n) => ({
  $type: COLLECTION,
  text: `Somebody wrote a sentence of the usual length here, and then number ${n} as the last word of it. `,
  createdAt: '2026-11-23T12:00:00.000Z',
  langs: ['en'],
})

const LETTERS = '234567abcdefghijklmnopqrstuvwxyz'
/** The key of record n, in the order of time as most keys are: a TID. */
function tid(n) {
  let number = BigInt(1_700_000_000_000_000 + n * 1_000) << 10n
  let text = ''
  for (let i = 0; i < 13; i++, number >>= 5n) text = LETTERS[Number(number & 31n)] + text
  return text
}

async function xrpc(server, method, body, token) {
  const answer = await fetch(`${server.url}/xrpc/com.atproto.${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(`${method}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

const write = (server, who, value) =>
  xrpc(server, 'repo.createRecord', { repo: who.did, collection: COLLECTION, record: value }, who.accessJwt)

async function grow(server, who, from, to) {
  for (let n = from; n < to; n += BATCH) {
    const writes = Array.from({ length: Math.min(BATCH, to - n) }, (_, i) => ({
      $type: 'com.atproto.repo.applyWrites#create',
      collection: COLLECTION,
      rkey: tid(n + i),
      value: record(n + i),
    }))
    await xrpc(server, 'repo.applyWrites', { repo: who.did, writes }, who.accessJwt)
    if (process.stderr.isTTY) process.stderr.write(`\r${n} records`)
  }
}

/** CPU of a write in microseconds, one after the other, on one connection. */
async function writes(server, who) {
  const before = cpuOf(server.pid)
  for (let i = 0; i < WRITES; i++) await write(server, who, record(i))
  return ((cpuOf(server.pid) - before) / WRITES) * 1e6
}

async function exported(server, who) {
  forgetPeak(server.pid)
  const memory = memoryOf(server.pid).rss
  const [cpu, begin] = [cpuOf(server.pid), performance.now()]
  const answer = await fetch(`${server.url}/xrpc/com.atproto.sync.getRepo?did=${who.did}`)
  let bytes = 0
  for await (const piece of answer.body) bytes += piece.length
  return {
    bytes,
    cpu_ms: (cpuOf(server.pid) - cpu) * 1e3,
    wall_ms: performance.now() - begin,
    extra_mb: peakOf(server.pid) - memory,
  }
}

const plc = await startPlc()
let server = await startPds('roost', plc)
const who = await xrpc(server, 'server.createAccount', {
  handle: 'large.test',
  email: 'large@example.com',
  password: 'the right password',
})
console.log(machine())
let size = 0
for (const wanted of SIZES.length > 0 ? SIZES : [1_000, 10_000, 100_000, 1_000_000]) {
  await grow(server, who, size, wanted)
  size = wanted
  const warm_us = await writes(server, who)
  const first = await exported(server, who)
  const again = await exported(server, who)
  server = await server.restarted()
  const begin = performance.now()
  await write(server, who, record(0))
  const cold_ms = performance.now() - begin
  console.log(
    `${String(size).padStart(9)} records: write ${warm_us.toFixed(0)} us CPU; export ${(first.bytes / 1e6).toFixed(1)} MB, ` +
      `${Math.min(first.cpu_ms, again.cpu_ms).toFixed(0)} ms CPU, ${Math.min(first.wall_ms, again.wall_ms).toFixed(0)} ms, ` +
      `${again.extra_mb.toFixed(1)} MB more memory; first write after a start ${cold_ms.toFixed(1)} ms`,
  )
}
await server.close()
await plc.close()
