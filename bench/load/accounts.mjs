// Whether writes get dearer when there are many accounts.
//
//   ./dev bench accounts [ACCOUNTS]     how many there are in the end, 100000
//
// A hundred accounts sign up and write. Then there are many: copies of one of them, made in the file
// while roost stands still, with a session each (multiply.mjs). The hundred write again, and then
// all write in turn, so that nearly every write is the first of its account since the start.
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { load, machine, NODE, startPds, startPlc } from './servers.mjs'

const ALL = Number(process.argv[2] ?? 100_000)
const FIRST = 100
const RUNS = 3
const SECONDS = 4
const CONNECTIONS = 32
const WRITERS_MAX = 40_000 // more than write in one run
const COLLECTION = 'app.bsky.feed.post'
const MULTIPLY = path.join(path.dirname(fileURLToPath(import.meta.url)), 'multiply.mjs')
if (!(ALL > FIRST)) throw new Error(`more than ${FIRST} accounts, please`)

async function signUp(server, n) {
  const answer = await fetch(`${server.url}/xrpc/com.atproto.server.createAccount`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ handle: `writer${n}.test`, email: `a${n}@example.com`, password: 'the right password' }),
  })
  if (!answer.ok) throw new Error(`createAccount: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

const write = ({ did, accessJwt }) => ({
  label: 'write',
  method: 'POST',
  path: '/xrpc/com.atproto.repo.createRecord',
  headers: { Authorization: `Bearer ${accessJwt}`, 'Content-Type': 'application/json' },
  body: JSON.stringify({
    repo: did,
    collection: COLLECTION,
    record: {
      $type: COLLECTION,
      text: 'Somebody wrote a sentence of the usual length here, and then one more word or two. ',
      createdAt: '2026-11-23T12:00:00.000Z',
      langs: ['en'],
    },
  }),
})

async function measure(what, server, accountsOfRun) {
  const runs = []
  for (let i = 0; i < RUNS; i++) {
    const requests = accountsOfRun(i).map(write)
    runs.push(await load(server, [{ connections: CONNECTIONS, requests }], { seconds: SECONDS, warmUp: 0.3 }))
  }
  const [figures] = runs.sort((a, b) => a.elsewhere_cores - b.elsewhere_cores)
  const { statuses, p99_ms } = figures.labels.write
  if (Object.keys(statuses).join() !== '200') throw new Error(`${JSON.stringify(statuses)} ${figures.bad_answer}`)
  const cpu_us = (figures.server_cpu_s / figures.answers) * 1e6
  console.log(`${what}: ${cpu_us.toFixed(0)} us CPU a write, ${(figures.answers / figures.seconds).toFixed(0)} a second, p99 ${p99_ms.toFixed(1)} ms`)
  return cpu_us
}

const plc = await startPlc()
let server = await startPds('roost', plc)
try {
  console.log(machine())
  const first = []
  for (let n = 0; n < FIRST; n++) first.push(await signUp(server, n))
  const model = await signUp(server, FIRST)
  const few = await measure(`${FIRST} accounts`, server, () => first)
  let many
  server = await server.restarted(() => {
    const argv = [path.join(server.data, 'roost.sqlite'), String(ALL - FIRST), model.accessJwt, server.jwtSecret]
    many = JSON.parse(execFileSync(NODE, ['--no-warnings', MULTIPLY, ...argv], { maxBuffer: 1 << 30 }))
  })
  const beside = await measure(`the same ${FIRST} of ${ALL}`, server, () => first)
  const spread = await measure(`all ${ALL} in turn`, server, (run) =>
    many.slice((run * WRITERS_MAX) % many.length).concat(many).slice(0, WRITERS_MAX),
  )
  for (const [what, cpu_us] of Object.entries({ beside, spread })) console.log(`${what}: ${(cpu_us / few).toFixed(2)} times the first`)
} finally {
  await server.close()
  await plc.close()
}
