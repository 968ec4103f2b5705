// What an operator meets: `roost dev` and its commands, `roost config`, help, refusals that say what is
// wrong, and /metrics.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { basic, fine, procedure, query, raw, refused } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { freePort } from './lib/net.mjs'
import { logIn, person, signUp, whoAmI } from './lib/people.mjs'
import { binary, roost, staying } from './lib/roost.mjs'
import { assertNoneIn, secret } from './lib/secrets.mjs'
import { roostOnly } from './lib/where.mjs'

const { pds, another } = await house()
const only = roostOnly('its own program')
const S = 'com.atproto.server.'
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'journey-operator-'))
after(() => fs.rmSync(folder, { recursive: true, force: true }))
const inside = (name) => {
  fs.mkdirSync(path.join(folder, name), { mode: 0o700 })
  return path.join(folder, name)
}
const isRoot = process.getuid() === 0
const nobody = isRoot ? { uid: 65534, gid: 65534 } : {}

// --- roost dev ------------------------------------------------------------------------------------

/** What the banner says: its lines by their first words, and its commands as they stand there. */
function readBanner(said) {
  const field = (name) => said.match(new RegExp(`^  ${name} +(\\S.*)$`, 'm'))?.[1]
  return {
    server: field('server'),
    plc: field('PLC directory'),
    outbox: field('mail outbox'),
    adminPassword: field('admin password'),
    data: field('data'),
    commands: said.match(/^  curl (?:.*\\\n)*.*$/gm) ?? [],
  }
}

test('roost dev: its three commands work as printed, and its state outlives it', only, async () => {
  const cwd = inside('dev')
  const port = await freePort()
  const shell = (line) => {
    const ran = spawnSync('sh', ['-c', line], { encoding: 'utf8', timeout: 30_000 })
    assert.equal(ran.status, 0, ran.stderr)
    return ran.stdout
  }
  const start = () => staying(['dev', '--port', String(port)], { cwd, ready: /Ctrl-C stops it/ })
  let dev = await start()
  try {
    const banner = readBanner(dev.said())
    assert.equal(banner.server, `http://localhost:${port}`)
    assert.equal(banner.plc, `http://localhost:${port - 1}`)
    assert.equal(banner.outbox, `http://localhost:${port}/dev/mail`)
    assert.equal(banner.data, './dev-data')
    assert.match(banner.adminPassword, /^[0-9a-f]{32}$/)
    assert.equal(banner.commands.length, 3, dev.said())

    const made = JSON.parse(shell(banner.commands[0]))
    assert.equal(made.handle, 'alice.test')
    assert.match(made.did, /^did:plc:[a-z2-7]{24}$/)
    const session = JSON.parse(shell(banner.commands[1]))
    assert.equal(session.did, made.did)
    const letters = JSON.parse(shell(banner.commands[2]))
    assert.equal(letters.length ?? letters.letters?.length, 1)
    const codes = JSON.stringify(letters).match(/\b[A-Z2-7]{5}-[A-Z2-7]{5}\b/g)
    assert.ok(codes?.length > 0, 'the letter shows its code')

    const page = await fetch(banner.outbox)
    assert.match(page.headers.get('content-type'), /^text\/html/)
    assert.equal(page.headers.get('access-control-allow-origin'), null, 'no page of another origin reads it')
    assert.ok((await page.text()).includes(codes[0]))

    // The directory beside it knows the new identity.
    const at = { url: banner.server, port }
    const document = await (await fetch(`${banner.plc}/${made.did}`)).json()
    assert.deepEqual(document.alsoKnownAs, ['at://alice.test'])
    assert.equal(document.service[0].serviceEndpoint, banner.server)
    assert.equal((await (await fetch(`${banner.plc}/${made.did}/log/audit`)).json()).length, 1)
    assert.equal((await fetch(`${banner.plc}/did:plc:${'a'.repeat(24)}`)).status, 404)
    const invite = () => procedure(at, `${S}createInviteCode`, { useCount: 1 }, { headers: basic(banner.adminPassword) })
    fine(await invite())
    fine(await procedure(at, `${S}resetPassword`, { token: codes[0], password: 'another horse battery' }))

    assert.deepEqual(await dev.stop(), { code: 0, signal: null })
    dev = await start()
    assert.equal(readBanner(dev.said()).adminPassword, banner.adminPassword)
    assert.doesNotMatch(dev.said(), /made a secret|migration applied/)
    fine(await invite())
    assert.equal(fine(await logIn(at, 'alice.test', 'another horse battery')).did, made.did)
    refused(await logIn(at, 'alice.test', 'correct horse battery'), 401, 'AuthenticationRequired')
    assert.equal((await (await fetch(`${banner.plc}/${made.did}`)).json()).id, made.did)
    assert.ok((await (await fetch(banner.outbox)).text()).includes(codes[0]))
    const listening = listenersOf(dev.pid)
    for (const used of [port - 1, port, port + 1]) {
      const addresses = listening.filter((one) => one.port === used).map((one) => one.address)
      assert.ok(addresses.length > 0, `${used} is listened on`)
      for (const address of addresses) assert.ok(isLoopback(address), `${used} is open at ${address}`)
    }
  } finally {
    await dev.stop()
  }
})

test('roost dev shows mail, roost serve does not', only, async () => {
  assert.equal((await raw(pds, { path: '/dev/mail' })).status, 404)
})

// --- roost config, roost help, wrong usage --------------------------------------------------------

// The reference server's variables: an environment file of its works here, or says what does not.
const REFERENCE = `PORT HOSTNAME SERVICE_DID SERVICE_NAME VERSION HOME_URL LOGO_URL PRIVACY_POLICY_URL SUPPORT_URL
  TERMS_OF_SERVICE_URL CONTACT_EMAIL_ADDRESS PRIMARY_COLOR ERROR_COLOR WARNING_COLOR INFO_COLOR SUCCESS_COLOR
  BACKGROUND_LIGHT_URL BACKGROUND_DARK_URL ACCEPTING_REPO_IMPORTS MAX_REPO_IMPORT_SIZE BLOB_UPLOAD_LIMIT DEV_MODE
  HCAPTCHA_SITE_KEY HCAPTCHA_SECRET_KEY HCAPTCHA_TOKEN_SALT OAUTH_TRUSTED_CLIENTS DATA_DIRECTORY ACCOUNT_DB_LOCATION
  SEQUENCER_DB_LOCATION DID_CACHE_DB_LOCATION ACTOR_STORE_DIRECTORY ACTOR_STORE_CACHE_SIZE
  SQLITE_DISABLE_WAL_AUTO_CHECKPOINT BLOBSTORE_S3_BUCKET BLOBSTORE_S3_REGION BLOBSTORE_S3_ENDPOINT
  BLOBSTORE_S3_FORCE_PATH_STYLE BLOBSTORE_S3_ACCESS_KEY_ID BLOBSTORE_S3_SECRET_ACCESS_KEY BLOBSTORE_S3_UPLOAD_TIMEOUT_MS
  BLOBSTORE_S3_REQUEST_TIMEOUT_MS BLOBSTORE_DISK_LOCATION BLOBSTORE_DISK_TMP_LOCATION DID_PLC_URL DID_CACHE_STALE_TTL
  DID_CACHE_MAX_TTL ID_RESOLVER_TIMEOUT RECOVERY_DID_KEY SERVICE_HANDLE_DOMAINS HANDLE_BACKUP_NAMESERVERS
  ENABLE_DID_DOC_WITH_SESSION ENTRYWAY_URL ENTRYWAY_DID ENTRYWAY_JWT_VERIFY_KEY_K256_PUBLIC_KEY_HEX
  ENTRYWAY_PLC_ROTATION_KEY ENTRYWAY_ADMIN_TOKEN INVITE_REQUIRED INVITE_INTERVAL INVITE_EPOCH EMAIL_SMTP_URL
  EMAIL_FROM_ADDRESS EMAIL_DISABLE_CONFIRMATION_LINK MODERATION_EMAIL_SMTP_URL MODERATION_EMAIL_ADDRESS
  MAX_SUBSCRIPTION_BUFFER REPO_BACKFILL_LIMIT_MS BSKY_APP_VIEW_URL BSKY_APP_VIEW_DID BSKY_APP_VIEW_CDN_URL_PATTERN
  MOD_SERVICE_URL MOD_SERVICE_DID REPORT_SERVICE_URL REPORT_SERVICE_DID RATE_LIMITS_ENABLED RATE_LIMIT_BYPASS_KEY
  RATE_LIMIT_BYPASS_IPS REDIS_SCRATCH_ADDRESS REDIS_SCRATCH_PASSWORD CRAWLERS DPOP_SECRET JWT_SECRET ADMIN_PASSWORD
  PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX PLC_ROTATION_KEY_KMS_KEY_ID DISABLE_SSRF_PROTECTION FETCH_MAX_RESPONSE_SIZE
  PROXY_ALLOW_HTTP2 PROXY_HEADERS_TIMEOUT PROXY_BODY_TIMEOUT PROXY_MAX_RESPONSE_SIZE PROXY_MAX_RETRIES
  PROXY_PREFER_COMPRESSED LEXICON_AUTHORITY_DID`
  .split(/\s+/).map((name) => `PDS_${name}`).concat('LOG_ENABLED', 'LOG_LEVEL', 'LOG_DESTINATION', 'LOG_SYSTEMS')

const SECRETS = {
  PDS_JWT_SECRET: secret('a-jwt-secret-of-config', 'config'),
  PDS_ADMIN_PASSWORD: secret('an-admin-password-of-config', 'config'),
  PDS_DPOP_SECRET: secret('ab'.repeat(32), 'config'),
  PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: secret('cd'.repeat(32), 'config'),
  PDS_EMAIL_SMTP_URL: `smtps://post:${secret('a-mail-password', 'config')}@mail.example`,
  PDS_RATE_LIMIT_BYPASS_KEY: secret('a-bypass-key', 'config'),
  PDS_REDIS_SCRATCH_PASSWORD: secret('a-redis-password', 'config'),
  PDS_HCAPTCHA_SECRET_KEY: secret('a-captcha-secret', 'config'),
  PDS_BLOBSTORE_S3_SECRET_ACCESS_KEY: secret('an-s3-secret-key', 'config'),
}
const OPEN = {
  PDS_EMAIL_FROM_ADDRESS: 'pds@mail.example',
  PDS_BLOBSTORE_S3_ACCESS_KEY_ID: 'an-id',
  PDS_CRAWLERS: 'https://relay.example',
  PDS_SERVICE_NAME: 'Our Place',
}

test('roost config: values, where they come from, what has no effect, and no secret', only, async () => {
  const cwd = inside('config')
  const env = { ...SECRETS, ...OPEN, PDS_HOSTNAME: 'pds.example.com', PDS_NO_SUCH_THING: '1', PDS_HOSTNAMES: 'a' }
  const json = await roost(['config', '--json', '--port', '8080'], { env, cwd })
  assert.equal(json.code, 0, json.err)
  const report = JSON.parse(json.out)
  const shown = Object.fromEntries(report.settings.map(({ name, ...rest }) => [name, rest]))
  assert.deepEqual(REFERENCE.filter((name) => !(name in shown)), [], 'every variable of the reference is known')

  assert.deepEqual(shown.PDS_PORT, { value: '8080', source: 'flag', note: '' })
  assert.deepEqual(shown.PDS_SERVICE_NAME, { value: 'Our Place', source: 'environment', note: '' })
  assert.deepEqual(shown.PDS_INVITE_REQUIRED, { value: 'true', source: 'default', note: '' })
  assert.deepEqual(shown.PDS_SERVICE_HANDLE_DOMAINS, { value: '.pds.example.com', source: 'default', note: '' })
  assert.equal(shown.PDS_VERSION.value, '')
  for (const name of Object.keys(SECRETS)) assert.equal(shown[name].value, '(set)', name)

  // What is set and has no effect is said so, by name, and nothing else is.
  const set = [...Object.keys(SECRETS), ...Object.keys(OPEN)]
  const unused = set.filter((name) => shown[name].note === 'not used yet')
  assert.ok(unused.length < set.length)
  const warned = report.warnings.filter((warning) => / not used yet$/.test(warning)).map((warning) => warning.split(' ')[0])
  assert.deepEqual(warned.sort(), unused.sort())
  assert.ok(report.warnings.some((warning) => /^PDS_NO_SUCH_THING is not a setting/.test(warning)))
  assert.ok(report.warnings.some((warning) => /^PDS_HOSTNAMES is not a setting.*PDS_HOSTNAME meant/.test(warning)))

  const table = await roost(['config', '--port', '8080'], { env, cwd })
  assert.equal(table.code, 0)
  assert.match(table.out, /^PDS_PORT +8080 +flag$/m)
  assert.match(table.out, /^PDS_JWT_SECRET +\(set\) +environment$/m)
  assert.doesNotMatch(table.out, /^PDS_VERSION /m)
  for (const warning of report.warnings) assert.ok(table.err.includes(warning), warning)
  const all = await roost(['config', '--all'], { env, cwd })
  assert.match(all.out, /^PDS_VERSION +- +-$/m)
  for (const ran of [json, table, all]) assertNoneIn(ran.out + ran.err)
  assert.deepEqual(fs.readdirSync(cwd), [], 'looking makes nothing')
})

test('roost config tells what the first start has made', only, async () => {
  const dressed = await roost(['config', '--json'], { env: { PDS_DATA_DIRECTORY: pds.data } })
  const shown = Object.fromEntries(JSON.parse(dressed.out).settings.map((one) => [one.name, one]))
  assert.equal(shown.PDS_ADMIN_PASSWORD.source, 'default', 'that server was given one, so none was made')
  const cwd = inside('made')
  const first = await staying(['serve', '--port', String(await freePort()), '--data-directory', cwd], { cwd, ready: /"serving"/ })
  assert.deepEqual(await first.stop(), { code: 0, signal: null })
  const made = JSON.parse((await roost(['config', '--json', '--data-directory', cwd])).out)
  const password = made.settings.find((one) => one.name === 'PDS_ADMIN_PASSWORD')
  assert.deepEqual([password.value, password.source], ['(set)', 'generated file'])
  const kept = JSON.parse(fs.readFileSync(path.join(cwd, 'secrets.json'), 'utf8'))
  for (const value of Object.values(kept)) {
    assert.ok(!JSON.stringify(made).includes(value))
    assert.ok(!first.said().includes(value), 'what is made is not logged')
  }
})

test('roost help', only, async () => {
  for (const args of [['help'], ['--help'], ['-h']]) {
    const ran = await roost(args)
    assert.equal(ran.code, 0)
    for (const verb of ['serve', 'dev', 'config', 'version', 'help']) assert.match(ran.out, new RegExp(`^  ${verb} +\\S`, 'm'))
    assert.match(ran.out, /roost help settings/)
    assert.equal(ran.err, '')
  }
  const settings = (await roost(['help', 'settings'])).out
  for (const name of REFERENCE) assert.match(settings, new RegExp(`^  ${name}\\b`, 'm'))
  assert.match(settings, /^  PDS_HOSTNAME   --hostname$/m)
  assert.match(settings, /^  PDS_REDIS_SCRATCH_ADDRESS \*/m)
  assert.match((await roost(['help', 'serve'])).out, /--port/)
  assert.match((await roost(['version'])).out, /^roost \d+\.\d+\.\d+\n$/)
})

test('wrong usage is status 2, names what is wrong and starts nothing', only, async () => {
  const cwd = inside('usage')
  const cases = [
    [['serve', '--prot', '80'], /--prot.*roost help/],
    [['serve', '--port', 'eighty'], /PDS_PORT: "eighty" is wrong: expected/],
    [['serve', '--port'], /--port/],
    [['dev', '--hostname', 'pds.example.com'], /roost dev serves localhost only.*roost serve/],
    [['serv'], /no command "serv"; did you mean roost serve/],
    [[], /roost help/],
    [['help', 'nothing'], /no help about "nothing"/],
    [['config', '--port', '0x50'], /PDS_PORT: "0x50" is wrong/],
    [['serve', '--admin-password', SECRETS.PDS_ADMIN_PASSWORD], /PDS_ADMIN_PASSWORD in the environment/],
  ]
  for (const [args, message] of cases) {
    const ran = await roost(args, { cwd })
    assert.equal(ran.code, 2, `roost ${args.join(' ')}: ${ran.out}${ran.err}`)
    assert.match(ran.err, message)
    assert.equal(ran.out, '')
    assertNoneIn(ran.err)
  }
  const env = { PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: secret('not a key at all', 'config') }
  const key = await roost(['serve'], { cwd, env })
  assert.equal(key.code, 2)
  assert.match(key.err, /PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: the value \(not shown\) is wrong/)
  assertNoneIn(key.err)
  assert.deepEqual(fs.readdirSync(cwd), [])
})

test('P12: handles that look like others can be switched off', only, async () => {
  const create = (at) => procedure(at, `${S}createAccount`, { ...person(), handle: `xn--${Date.now().toString(36)}.test` })
  fine(await create(pds))
  const strict = await another({ env: { ROOST_ALLOW_PUNYCODE_HANDLES: 'false' } })
  refused(await create(strict), 400, 'InvalidHandle')
  fine(await procedure(strict, `${S}createAccount`, person()))
})

// --- starts that cannot be ------------------------------------------------------------------------

test('a port that is taken is named', only, async () => {
  const port = await freePort()
  const squat = (at) => new Promise((resolve) => {
    const squatter = net.createServer()
    squatter.listen(at, '127.0.0.1', () => resolve(squatter))
  })
  for (const taken of [port, port + 1]) {
    const squatter = await squat(taken)
    const cwd = inside(`taken-${taken}`)
    const ran = await roost(['serve', '--port', String(port), '--data-directory', cwd], { cwd })
    squatter.close()
    assert.equal(ran.code, 1, ran.out)
    assert.match(ran.err, new RegExp(`^roost: Port ${taken} is in use on 127\\.0\\.0\\.1`, 'm'))
    assert.match(ran.out, /"level":"error","msg":"cannot start"/)
  }
})

test('a data directory that cannot be used is named', only, async () => {
  const port = String(await freePort())
  const file = path.join(folder, 'a-file')
  fs.writeFileSync(file, '')
  const serve = (data, as) => roost(['serve', '--port', port, '--data-directory', data], { as })
  for (const data of [file, path.join(file, 'below')]) {
    const ran = await serve(data)
    assert.equal(ran.code, 1, ran.out)
    assert.ok(ran.err.includes(`${file} is not a folder`), ran.err)
  }
  // Who may do everything is refused nothing: another user tries, if that one can reach the program.
  const asNobody = await roost(['version'], { as: nobody }).catch((error) => error)
  if (asNobody.code !== 0) return
  const locked = inside('locked')
  fs.chmodSync(folder, 0o755)
  fs.chmodSync(locked, 0o555)
  for (const data of [locked, path.join(locked, 'below')]) {
    const ran = await serve(data, nobody)
    assert.equal(ran.code, 1, ran.out)
    assert.match(ran.err, /^roost: cannot .*locked.*: Permission denied$/m)
  }
})

test('a key file that others may read is refused, with what to do', only, async () => {
  const cwd = inside('wide')
  fs.writeFileSync(path.join(cwd, 'master.key'), 'ab'.repeat(32), { mode: 0o644 })
  const ran = await roost(['serve', '--port', String(await freePort()), '--data-directory', cwd])
  assert.equal(ran.code, 1)
  assert.match(ran.err, /master\.key has wider permissions than 0600.*chmod 600/)
  assert.ok(!(ran.out + ran.err).includes('abababab'))
})

// --- metrics --------------------------------------------------------------------------------------

/** The addresses a process listens on, from the kernel's tables. */
function listenersOf(pid) {
  const sockets = new Set(
    fs.readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return fs.readlinkSync(`/proc/${pid}/fd/${fd}`).match(/^socket:\[(\d+)\]$/)?.[1]
      } catch {
        return undefined
      }
    }),
  )
  return ['tcp', 'tcp6'].flatMap((table) =>
    fs.readFileSync(`/proc/net/${table}`, 'utf8').split('\n').slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((words) => words[3] === '0A' && sockets.has(words[9]))
      .map((words) => ({ address: words[1].split(':')[0], port: parseInt(words[1].split(':')[1], 16) })),
  )
}
const isLoopback = (hex) => (hex.length === 8 ? hex.endsWith('7F') : hex === '00000000000000000000000001000000')

const metricsOf = async (pds) => {
  const answer = await fetch(`http://127.0.0.1:${pds.port + 1}/metrics`)
  assert.equal(answer.status, 200)
  assert.match(answer.headers.get('content-type'), /^text\/plain; version=0\.0\.4/)
  return answer.text()
}
const sample = (text, name, labels = {}) => {
  const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`)
  const line = text.split('\n').find((one) => one.split(/[{ ]/)[0] === name && wanted.every((label) => one.includes(label)))
  return line === undefined ? 0 : Number(line.split(' ').at(-1))
}

test('/metrics counts requests and their time, on loopback, and tells no secret', only, async () => {
  const who = await signUp(pds)
  const method = `${S}getSession`
  const before = await metricsOf(pds)
  const start = performance.now()
  for (let i = 0; i < 7; i++) fine(await whoAmI(pds, who.accessJwt))
  for (let i = 0; i < 3; i++) refused(await whoAmI(pds), 401, 'AuthMissing')
  const stranger = person()
  refused(await logIn(pds, stranger.handle, stranger.password), 401, 'AuthenticationRequired')
  refused(await query(pds, 'com.example.made.up.name'), 501, 'MethodNotImplemented')
  const took = (performance.now() - start) / 1000
  const now = await metricsOf(pds)
  const moved = (name, labels) => sample(now, name, labels) - sample(before, name, labels)

  const [total, seconds] = ['roost_requests_total', 'roost_request_duration_seconds']
  assert.equal(moved(total, { method, status: '200' }), 7)
  assert.equal(moved(total, { method, status: '401' }), 3)
  assert.equal(moved(total, { method: `${S}createSession`, status: '401' }), 1)
  assert.equal(moved(total, { method: 'other', status: '501' }), 1)
  assert.equal(moved(`${seconds}_count`, { method }), 10)
  assert.equal(moved(`${seconds}_bucket`, { method, le: '+Inf' }), 10)
  const spent = moved(`${seconds}_sum`, { method })
  assert.ok(spent > 0 && spent < took, `${spent} of ${took} s`)
  assert.ok(moved(`${seconds}_sum`, { method: `${S}createSession` }) > 0.004, 'a password hash takes longer than that')
  for (const name of ['roost_connections_open', 'roost_db_writes_total', 'roost_hash_queue_length', 'roost_mail_queue_length']) {
    assert.match(now, new RegExp(`^# HELP ${name} \\S`, 'm'))
    assert.match(now, new RegExp(`^${name} [0-9]`, 'm'))
  }
  assert.ok(sample(now, 'roost_db_writes_total') >= 2, 'the sign-up wrote')

  assertNoneIn(now)
  for (const word of [who.handle, who.did, stranger.handle, 'made.up', pds.jwtSecret]) assert.ok(!now.includes(word), word)
  assert.equal((await raw(pds, { path: '/metrics' })).status, 404)
  assert.equal((await fetch(`http://127.0.0.1:${pds.port + 1}/xrpc/_health`)).status, 404)
})

test('/metrics stays on loopback whatever the server listens on, moves, or is off', only, async () => {
  const at = (one, port) => listenersOf(one.pid).filter((listener) => listener.port === port)
  const mine = at(pds, pds.port + 1)
  assert.ok(mine.length > 0 && mine.every(({ address }) => isLoopback(address)))
  const port = await freePort()
  const moved = await another({ env: { ROOST_METRICS_ADDRESS: `127.0.0.2:${port}`, PDS_SERVICE_NAME: 'm' } })
  assert.deepEqual(at(moved, moved.port + 1), [])
  assert.deepEqual(at(moved, port).map(({ address }) => address), ['0200007F'])
  assert.equal((await fetch(`http://127.0.0.2:${port}/metrics`)).status, 200)
  await moved.restart({ env: { ROOST_METRICS_ADDRESS: 'off' } })
  assert.deepEqual([...at(moved, port), ...at(moved, moved.port + 1)], [])
  assert.equal((await raw(moved, { path: '/metrics' })).status, 404)

  // A public name opens the server to all addresses; its metrics stay where they are.
  const cwd = inside('public')
  const settings = await roost(['config', '--json', '--hostname', 'pds.example.com'], { cwd })
  const value = (name) => JSON.parse(settings.out).settings.find((one) => one.name === name).value
  assert.deepEqual([value('ROOST_LISTEN_ADDRESSES'), value('ROOST_METRICS_ADDRESS')], ['0.0.0.0,::', '127.0.0.1:2584'])
})

assert.ok(fs.existsSync(binary), `${binary} is built`)
