// A PDS as its operator starts it: own process, PDS_* environment, a fresh data folder.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import crypto from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Disk } from './disk.mjs'
import { freePort, sleep } from './net.mjs'
import { assertNoneIn, secret } from './secrets.mjs'
import { command, foreign } from './where.mjs'

const SETPRIV = '/usr/bin/setpriv' // takes the server along should this process be killed
const STARTS_MS = 60_000
const compiler = ['clang-19', 'cc', 'gcc', 'clang'].find((name) => spawnSync(name, ['--version']).status === 0)

const without = (library) => (compiler ? {} : { skip: `no C compiler for lib/${library}.c` })
/** Options of a test that moves the clock of a server, breaks its disk, or answers for the DNS: skipped where nothing can compile the library. */
export const clock = without('ahead')
export const faults = without('faulty_disk')
export const names = without('nameserver')

/** A library to preload, lib/NAME.c. */
function build(name, folder) {
  const library = path.join(folder, `${name}.so`)
  if (fs.existsSync(library)) return library
  const source = fileURLToPath(new URL(`./${name}.c`, import.meta.url))
  const built = spawnSync(compiler, ['-O1', '-shared', '-fPIC', source, '-o', library])
  if (built.status !== 0) throw new Error(`${name}.c does not compile: ${built.stderr}`)
  return library
}

const hex = () => secret(crypto.randomBytes(32).toString('hex'), 'a server secret')

/**
 * Starts a server. `plc` and `smtp` are what plc.mjs and smtp.mjs gave; without `smtp` there is no mail.
 * `env` adds variables (undefined removes one); `ahead` moves its clock, in seconds; with `faulty: true` its
 * disk can fail, and is `pds.disk` (disk.mjs); `preload` is a library to load before its own, lib/NAME.c; `line`
 * is the command line.
 */
export async function startServer({ plc, smtp, env = {}, ahead = 0, faulty = false, preload, line = command }) {
  const isForeign = foreign || line !== command
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'journey-'))
  const data = path.join(folder, 'data')
  fs.mkdirSync(path.join(data, 'blocks'), { recursive: true })
  const disk = faulty ? new Disk(path.join(folder, 'disk'), data) : undefined
  const logFile = path.join(folder, 'server.log')
  const port = await freePort()
  const adminPassword = secret(`admin-${crypto.randomBytes(9).toString('hex')}`, 'admin password')
  const jwtSecret = hex()
  const base = {
    PATH: process.env.PATH,
    HOME: folder,
    TMPDIR: process.env.TMPDIR,
    ASAN_OPTIONS: process.env.ASAN_OPTIONS,
    TSAN_OPTIONS: process.env.TSAN_OPTIONS,
    UBSAN_OPTIONS: process.env.UBSAN_OPTIONS ?? 'print_stacktrace=1',
    NODE_ENV: 'production',
    PDS_HOSTNAME: 'localhost',
    PDS_PORT: String(port),
    PDS_DEV_MODE: 'true',
    PDS_DATA_DIRECTORY: data,
    PDS_BLOBSTORE_DISK_LOCATION: path.join(data, 'blocks'),
    PDS_DID_PLC_URL: plc.url,
    PDS_SERVICE_HANDLE_DOMAINS: '.test',
    PDS_INVITE_REQUIRED: 'false',
    PDS_RATE_LIMITS_ENABLED: 'false',
    PDS_DISABLE_SSRF_PROTECTION: 'true',
    PDS_ADMIN_PASSWORD: adminPassword,
    PDS_JWT_SECRET: jwtSecret,
    PDS_DPOP_SECRET: hex(),
    PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: hex(),
    PDS_CRAWLERS: '',
    PDS_BLOB_UPLOAD_LIMIT: String(5 * 1024 * 1024), // the defaults differ
    LOG_ENABLED: 'true',
    LOG_LEVEL: 'info',
    ...(smtp && { PDS_EMAIL_SMTP_URL: smtp.url, PDS_EMAIL_FROM_ADDRESS: 'pds@example.com' }),
  }

  let child
  let exited
  let isToEnd = false // somebody here has asked for it
  async function start(more = {}) {
    if (more.env) env = { ...env, ...more.env }
    if (more.ahead !== undefined) ahead = more.ahead
    const all = { ...base, ...env }
    if (ahead) all.AHEAD_SECONDS = String(ahead)
    if (disk) {
      disk.begin()
      Object.assign(all, disk.environment())
    }
    const libraries = [...(ahead ? ['ahead'] : []), ...(disk ? ['faulty_disk'] : []), ...(preload ? [preload] : [])]
    if (libraries.length > 0) {
      all.LD_PRELOAD = libraries.map((name) => build(name, folder)).join(':')
      all.ASAN_OPTIONS = ['verify_asan_link_order=0', all.ASAN_OPTIONS].filter(Boolean).join(':')
    }
    for (const name of Object.keys(all)) if (all[name] === undefined) delete all[name]
    const log = fs.openSync(logFile, 'a')
    const argv = [...(fs.existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL', '--'] : []), ...line]
    child = spawn(argv[0], argv.slice(1), { env: all, stdio: ['ignore', log, log], cwd: folder })
    fs.closeSync(log)
    const started = child
    isToEnd = false
    exited = new Promise((resolve, reject) => {
      started.once('error', reject)
      started.once('exit', (code, signal) => resolve({ code, signal }))
    })
    exited.catch(() => {})
    await healthy()
  }
  async function healthy() {
    const end = performance.now() + STARTS_MS
    while (performance.now() < end) {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) break
      try {
        const answer = await fetch(`${pds.url}/xrpc/_health`, { signal: AbortSignal.timeout(2000) })
        await answer.arrayBuffer()
        if (answer.status === 200) return
      } catch {}
      await sleep(10)
    }
    throw new Error(`${line[0]} did not start; its log ends with:\n${pds.log().slice(-3000)}`)
  }
  const running = () => child.exitCode === null && child.signalCode === null

  const pds = {
    url: `http://localhost:${port}`,
    did: 'did:web:localhost',
    port,
    data,
    disk,
    adminPassword,
    jwtSecret,
    get pid() {
      return child.pid
    },
    /** How the process ended: {code, signal}. */
    get exited() {
      return exited
    },
    log: () => (fs.existsSync(logFile) ? fs.readFileSync(logFile, 'utf8') : ''),
    environment: () => ({ ...base, ...env }),
    signal(name) {
      isToEnd = true
      child.kill(name)
    },
    /** Ends it as an operator does; it must go quietly. */
    async stop() {
      if (!running()) {
        if (!isToEnd) assert.fail(`ended by itself, ${JSON.stringify(await exited)}:\n${pds.log().slice(-3000)}`)
        return
      }
      isToEnd = true
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), 20_000)
      const end = await exited
      clearTimeout(late)
      if (!isForeign) assert.deepEqual(end, { code: 0, signal: null }, `ended badly:\n${pds.log().slice(-3000)}`)
    },
    /** Waits until it ends by itself: {code, signal}. */
    async ended() {
      const end = await exited
      isToEnd = true
      return end
    },
    async kill9() {
      isToEnd = true
      child.kill('SIGKILL')
      await exited
    },
    /** Starts it again (stopping it first) on the same folder and port. */
    async restart(more) {
      await pds.stop()
      await start(more)
    },
    /** The end of the journey: stops, and looks at what the server said on the way. */
    async close() {
      try {
        await pds.stop()
        const log = pds.log()
        const broken = log.match(/.*(ERROR: \w+Sanitizer|runtime error:|WARNING: ThreadSanitizer)[^]{0,3000}/)
        assert.equal(broken, null, broken?.[0])
        if (!isForeign) assertNoneIn(log)
      } finally {
        if (running()) await pds.kill9()
        if (!process.env.JOURNEY_KEEP) fs.rmSync(folder, { recursive: true, force: true })
        else console.log(`kept ${folder}`)
      }
    },
  }
  try {
    await start()
  } catch (error) {
    if (child.pid && running()) child.kill('SIGKILL')
    throw error
  }
  return pds
}
