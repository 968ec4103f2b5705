// The load bench: roost and the reference server, side by side, under the same requests.
//
//   node run.mjs [--only NAME,…] [--no-reference] [--seconds S]
//
// CPU is the server's own, user and system; it is the figure to trust on a machine that does other
// things too. Each operation runs on each server in turn, RUNS times or until a run was quiet, and the
// run during which the machine was least busy with anything else is shown.
import os from 'node:os'
import { parseArgs } from 'node:util'
import { sleep } from '../../tests/lib/net.mjs'
import { measureLag } from './lag.mjs'
import { groupsOf, operations } from './operations.mjs'
import { load, machine, memoryOf, startCanned, startPds, startPlc, startSlow } from './servers.mjs'

const RUNS = 3
const RUNS_MAX = 6
const QUIET_CORES = 0.3 // busy with neither the server nor the generator; a PLC directory takes about so much
const STARTS = 5
const ACCOUNTS = 50
const WARM_UP_S = [1.5, 0.3] // the first run of an operation, and the others: compilers at run time want the first
const IDLE_AFTER_MS = 3_000

const { values: flags } = parseArgs({
  options: { only: { type: 'string' }, 'no-reference': { type: 'boolean' }, seconds: { type: 'string', default: '2' } },
})
const seconds = Number(flags.seconds)
const only = flags.only?.split(',')
const names = [...new Set(operations.map((operation) => operation.name)), 'start', 'lag']
for (const name of only ?? []) if (!names.includes(name)) throw new Error(`--only knows ${names.join(', ')}`)
if (!(seconds > 0 && seconds <= 60)) throw new Error('--seconds is a number up to 60')
const isWanted = (name) => !only || only.includes(name)

const say = (text) => process.stderr.write(`${text}\n`)

async function call(server, method, body, token) {
  const answer = await fetch(`${server.url}/xrpc/com.atproto.${method}`, {
    method: 'POST',
    headers: {
      'content-type': Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json',
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: Buffer.isBuffer(body) ? body : JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(`${method}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

/** What the operations know of a server: see operations.mjs. */
async function worldOf(server) {
  const world = {
    password: 'the right password',
    tag: `b${Math.floor(Math.random() * 36 ** 3).toString(36).padStart(3, '0')}x`,
    accounts: [],
    xrpc: (method, body, token) => call(server, method, body, token),
  }
  const logIn = ({ handle }) => world.xrpc('server.createSession', { identifier: handle, password: world.password })
  world.refreshTokens = async (count) => {
    const tokens = []
    for (const account of world.accounts.slice(0, count)) tokens.push((await logIn(account)).refreshJwt)
    return tokens
  }
  for (let i = 0; i < ACCOUNTS; i++) {
    const handle = `${world.tag}a${i}.test`
    const order = { handle, email: `${world.tag}a${i}@example.com`, password: world.password }
    world.accounts.push(await world.xrpc('server.createAccount', order))
  }
  return world
}

// The longest JSON web token that a session has: a canned answer needs no good one.
const cannedWorld = { accounts: [{ did: 'did:plc:canned', handle: 'canned.test', accessJwt: 'x'.repeat(400) }] }

async function measureOnce(subject, operation, warmUp) {
  const groups = await groupsOf(operation, subject.world)
  const figures = await load(subject.server, groups, { seconds: operation.seconds ?? seconds, warmUp, firstNumber: subject.number })
  subject.number = figures.next_number
  return figures
}

/** Runs an operation on every subject; {subject name: the figures of the quietest run}. */
async function measure(subjects, operation) {
  const quietest = {}
  const isQuiet = ({ name }) => quietest[name]?.elsewhere_cores <= QUIET_CORES
  for (let i = 0; i < RUNS_MAX; i++)
    for (const subject of subjects) {
      if (subject.name === 'canned' && !operation.isSimple) continue
      if (i >= RUNS && isQuiet(subject)) continue
      const figures = await measureOnce(subject, operation, WARM_UP_S[Math.min(i, 1)])
      const best = quietest[subject.name]
      if (!best || figures.elsewhere_cores < best.elsewhere_cores) quietest[subject.name] = figures
    }
  return quietest
}

function wrongAnswers(operation, figures) {
  const right = operation.expects ?? [200]
  const statuses = Object.values(figures.labels).flatMap((label) => Object.entries(label.statuses))
  const wrong = statuses.filter(([status]) => !right.includes(Number(status)))
  return wrong.reduce((sum, [, count]) => sum + count, figures.broken)
}

const fixed = (value, digits) => (Number.isFinite(value) ? value.toFixed(digits) : '-')
const micros = (cpu, figures) => (figures ? fixed((cpu / figures.answers) * 1e6, 1) : '-')

function rowOf(operation, found) {
  const { roost, reference, canned } = found
  const labelOf = (figures) => operation.shown ?? Object.keys(figures.labels)[0]
  const cpu = (figures) => (operation.isMixed ? '-' : micros(figures?.server_cpu_s, figures))
  const rate = (figures) => {
    const answers = operation.isMixed ? figures?.labels[labelOf(figures)].answers : figures?.answers
    return fixed(answers / figures?.seconds, 0)
  }
  const time = (figures, name) => fixed(figures?.labels[labelOf(figures)][name] ?? NaN, 2)
  const both = [roost, reference].filter(Boolean)
  return {
    operation: operation.name,
    conns: String(operation.connections ?? '-'),
    'roost µs': cpu(roost),
    'hash µs': operation.isMixed || !roost.low_priority_cpu_s ? '-' : micros(roost.low_priority_cpu_s, roost),
    'ref µs': cpu(reference),
    ratio: reference && !operation.isMixed ? fixed(cpu(reference) / cpu(roost), 1) : '-',
    'canned µs': cpu(canned),
    'roost/s': rate(roost),
    'ref/s': rate(reference),
    'canned/s': rate(canned),
    'roost p50': time(roost, 'p50_ms'),
    'roost p99': time(roost, 'p99_ms'),
    'ref p50': time(reference, 'p50_ms'),
    'ref p99': time(reference, 'p99_ms'),
    wrong: both.map((figures) => wrongAnswers(operation, figures)).join('+'),
    elsewhere: both.map((figures) => fixed(figures.elsewhere_cores, 2)).join('/'),
  }
}

function printTable(rows) {
  const columns = Object.keys(rows[0])
  const widths = columns.map((column) => Math.max(column.length, ...rows.map((row) => row[column].length)))
  const line = (cells) => cells.map((cell, i) => (i ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join('  ')
  console.log(line(columns))
  for (const row of rows) console.log(line(columns.map((column) => row[column])))
}

async function measureStarts(name, plc) {
  const times = []
  for (let i = 0; i < STARTS; i++) {
    const server = await startPds(name, plc)
    times.push(server.started_ms)
    await server.close()
  }
  const server = await startPds(name, plc)
  await sleep(IDLE_AFTER_MS)
  const memory = memoryOf(server.pid)
  await server.close()
  const list = times.map((time) => fixed(time, 0)).join(', ')
  const median = times.sort((a, b) => a - b)[STARTS >> 1]
  console.log(
    `${name}: first 200 after ${fixed(median, 0)} ms (median of ${list}); ` +
      `idle ${fixed(memory.rss, 1)} MB resident, ${fixed(memory.pss, 1)} MB proportional`,
  )
  return { median, rss: memory.rss }
}

const targets = []
const judge = (what, value, atMost) =>
  targets.push(`${value <= atMost ? 'holds ' : 'MISSED'}  ${what}: ${fixed(value, value < 10 ? 2 : 1)}, at most ${atMost}`)

const opened = []
async function open(starting) {
  const server = await starting
  opened.push(server)
  return server
}

try {
  const pdsNames = flags['no-reference'] ? ['roost'] : ['roost', 'reference']
  console.log(machine())
  console.log(`load average ${os.loadavg()[0].toFixed(1)}; CPU and hash per request in µs, times in ms, ${seconds} s a run`)
  const plc = await open(startPlc())
  if (isWanted('start'))
    for (const name of pdsNames) {
      const { median, rss } = await measureStarts(name, plc)
      if (name !== 'roost') continue
      judge('start to the first 200 in ms', median, 100)
      judge('idle resident memory in MB', rss, 30)
    }
  const chosen = operations.filter((operation) => isWanted(operation.name))
  const subjects = []
  const others = { appView: await open(startCanned()), moderation: await open(startSlow()) }
  for (const name of chosen.length || isWanted('lag') ? pdsNames : []) {
    const server = await open(startPds(name, plc, others))
    subjects.push({ name, server, world: await worldOf(server), number: 0 })
  }
  if (chosen.some((operation) => operation.isSimple))
    subjects.push({ name: 'canned', server: await open(startCanned()), world: cannedWorld, number: 0 })
  const rows = []
  const notes = []
  for (const { name, server, world } of isWanted('lag') ? subjects.filter((one) => one.name !== 'canned') : []) {
    say(`lag, ${name} …`)
    await measureLag(server, world, WARM_UP_S[0])
    const { p50, p99, max, writes } = await measureLag(server, world, seconds)
    notes.push(`lag, ${name}: from the answer to the event p50 ${fixed(p50, 2)}, p99 ${fixed(p99, 2)}, at most ${fixed(max, 2)} ms (${writes} writes)`)
    if (name === 'roost') judge('lag from acknowledgement to delivery, p99 in ms', p99, 10)
  }
  for (const operation of chosen) {
    say(`${operation.name} …`)
    const found = await measure(subjects, operation)
    rows.push(rowOf(operation, found))
    for (const [name, figures] of Object.entries(found)) {
      if (operation.note) notes.push(`${operation.name}, ${name}: ${operation.note(figures.labels)}`)
      if (name !== 'canned' && wrongAnswers(operation, figures))
        notes.push(`${operation.name}, ${name}: wrong answers, the first: ${figures.bad_answer.slice(0, 200)}`)
    }
    if (operation.target) judge(operation.target.what, operation.target.of(found.roost), operation.target.atMost)
  }
  if (rows.length) printTable(rows)
  for (const line of [...notes, ...targets]) console.log(line)
} finally {
  for (const server of opened.reverse()) await server.close()
}
