// Where secrets may not be: in the log, in the clear on the disk, among the arguments, in a core file.
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { asAdmin, basic, fine, procedure, query, raw, refused } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { freePort, until } from './lib/net.mjs'
import { logIn, person, refresh, rnd, signUp, whoAmI } from './lib/people.mjs'
import { roost, sanitized, staying } from './lib/roost.mjs'
import { assertNoneIn, secret } from './lib/secrets.mjs'
import { roostOnly } from './lib/where.mjs'

const own = roostOnly('its own promise')
const bypass = secret(`bypass-${rnd(8)}`, 'bypass key')
const rotationKey = secret(crypto.randomBytes(32).toString('hex').replace(/^f/, 'e'), 'rotation key')
const { pds, smtp, plc } = await house({
  env: { LOG_LEVEL: 'trace', PDS_RATE_LIMIT_BYPASS_KEY: bypass, PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: rotationKey },
})
const S = 'com.atproto.server.'
const lines = () => pds.log().split('\n').slice(0, -1)
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'journey-secrets-'))
after(() => fs.rmSync(folder, { recursive: true, force: true }))

/** Everything that a person and an administrator do with secrets, rightly and wrongly. */
async function everything() {
  const who = await signUp(pds)
  const act = (method, body, token = who.accessJwt) => procedure(pds, S + method, body, { token })
  fine(await logIn(pds, who.email, who.password))
  refused(await logIn(pds, who.handle, secret(`wrong ${rnd(6)}`, 'wrong password')), 401, 'AuthenticationRequired')
  refused(await logIn(pds, secret(`typed-in-the-wrong-field-${rnd()}`, 'password'), ''), 401, 'AuthenticationRequired')
  const next = fine(await refresh(pds, who.refreshJwt))
  refused(await whoAmI(pds, who.refreshJwt), 400, 'InvalidToken')
  const [head, body] = who.accessJwt.split('.')
  refused(await whoAmI(pds, secret(`${head}.${body}.${rnd(32)}`, 'forged token')), 400, 'InvalidToken')
  fine(await query(pds, `${S}getServiceAuth`, { query: { aud: 'did:web:other.example' }, token: next.accessJwt }))
  const app = fine(await act('createAppPassword', { name: 'app' }))
  fine(await logIn(pds, who.handle, app.password))
  fine(await act('revokeAppPassword', { name: 'app' }))
  refused(await logIn(pds, who.handle, app.password), 401, 'AuthenticationRequired')

  fine(await act('requestEmailConfirmation'))
  const confirm = await smtp.token(who.email)
  refused(await act('confirmEmail', { email: who.email, token: secret(`${rnd(2)}-wrong-code`, 'wrong code') }), 400, 'InvalidToken')
  fine(await act('confirmEmail', { email: who.email, token: confirm }))
  fine(await act('requestEmailUpdate'))
  fine(await act('updateEmail', { email: who.email, emailAuthFactor: true, token: await smtp.token(who.email, 2) }))
  refused(await logIn(pds, who.handle, who.password), 401, 'AuthFactorTokenRequired')
  fine(await logIn(pds, who.handle, who.password, { authFactorToken: await smtp.token(who.email, 3) }))
  fine(await act('requestPasswordReset', { email: who.email }))
  const password = secret(`another horse ${rnd(6)}`, 'password')
  fine(await act('resetPassword', { token: await smtp.token(who.email, 4), password }))
  const again = await logIn(pds, who.handle, password)
  refused(again, 401, 'AuthFactorTokenRequired')
  const session = fine(await logIn(pds, who.handle, password, { authFactorToken: await smtp.token(who.email, 5) }))

  const invite = fine(await asAdmin(pds, `${S}createInviteCode`, { useCount: 1 })).code
  secret(invite, 'invite code')
  fine(await procedure(pds, `${S}createAccount`, { ...person(), inviteCode: invite }))
  refused(await procedure(pds, `${S}createInviteCode`, { useCount: 1 }, { headers: basic(secret(`guess-${rnd(8)}`, 'guess')) }), 401, 'AuthenticationRequired')
  fine(await asAdmin(pds, 'com.atproto.admin.updateSubjectStatus', {
    subject: { $type: 'com.atproto.admin.defs#repoRef', did: who.did }, takedown: { applied: true } }))
  refused(await whoAmI(pds, session.accessJwt), 400, 'ExpiredToken')
  fine(await asAdmin(pds, 'com.atproto.admin.deleteAccount', { did: who.did }))

  // Secrets where they do not belong: path, query, wrong headers, broken bodies.
  const [token, code] = [next.accessJwt, confirm]
  await raw(pds, { path: `/xrpc/${token}` })
  await raw(pds, { path: `/${password.replaceAll(' ', '%20')}` })
  await raw(pds, { path: `/xrpc/${S}getSession?token=${token}&password=${encodeURIComponent(password)}&code=${code}` })
  await raw(pds, { path: `/xrpc/com.atproto.identity.resolveHandle?handle=${code}` })
  await raw(pds, { path: '/', headers: { host: `${code}.test`, cookie: `session=${token}`, referer: `http://x/?${code}`, 'user-agent': password } })
  await raw(pds, { path: '/.well-known/atproto-did', headers: { host: `${code}.test` } })
  for (const authorization of [`Digest ${token}`, token, `Bearer ${token} ${token}`, `Basic ${token}`]) {
    await raw(pds, { path: `/xrpc/${S}getSession`, headers: { authorization, 'x-ratelimit-bypass': bypass } })
  }
  for (const broken of [`{"identifier":"a","password":"${password}`, `["${password}"]`, `{"password":"${password}"}`,
    `{"identifier":{"${password}":1},"password":1}`, `${password}`, `{"identifier":"a","password":"${password}\u0001"}`]) {
    assert.equal((await procedure(pds, `${S}createSession`, broken, { headers: { 'content-type': 'application/json' } })).status, 400)
  }
  for (const wrong of [{ email: `${password}@` }, { handle: `${code}!.test` }, { recoveryKey: password }, { inviteCode: password, did: 'did:x' }]) {
    await procedure(pds, `${S}createAccount`, { ...person(), ...wrong })
  }
}

test('P13: no secret is in the log, whatever is done, at its most talkative', own, async () => {
  await everything()
  await plc.set('500')
  assert.equal((await procedure(pds, `${S}createAccount`, person())).status, 502)
  await plc.set('pass')
  await smtp.set('reject')
  const who = await signUp(pds)
  fine(await procedure(pds, `${S}requestPasswordReset`, { email: who.email }))
  await until('the letter to be put off', () => pds.log().includes('will be tried again'), 30_000)
  await smtp.set('pass')
  assert.ok(lines().length > 50, 'there is a log to look at')
  assertNoneIn(pds.log())
  for (const encoded of [pds.adminPassword, `admin:${pds.adminPassword}`, rotationKey]) {
    assert.ok(!pds.log().includes(Buffer.from(encoded).toString('base64').slice(0, 20)))
  }
})

test('P13: each line of the log is one JSON object, and nobody writes one of their own', own, async () => {
  const before = lines().length
  const mark = `mark${rnd()}`
  const forged = `{"time":"x","level":"error","msg":"${mark}"}`
  const nasty = [`${mark}"}`, `${mark}\\n${forged}`, `%0a${mark}%0d%0a${encodeURIComponent(forged)}`, `${mark}\u001b[31m`, `${mark}\u202e`, mark.repeat(500)]
  const calls = []
  for (const text of nasty) {
    const header = encodeURIComponent(text).replaceAll('%22', '"').replaceAll('%5C', '\\')
    calls.push(raw(pds, { path: `/xrpc/com.example.${encodeURIComponent(text)}`, headers: { 'user-agent': header, referer: header } }))
    calls.push(raw(pds, { path: `/${encodeURIComponent(text)}`, headers: { 'user-agent': header, 'x-forwarded-for': header } }))
    calls.push(query(pds, 'com.atproto.identity.resolveHandle', { query: { handle: text } }))
    calls.push(logIn(pds, text, text))
    calls.push(procedure(pds, `${S}createAccount`, { ...person(), handle: `${text}.test` }))
    calls.push(procedure(pds, `${S}createAccount`, { ...person(), email: `${text}\n${forged}` }))
  }
  for (const answer of await Promise.all(calls)) assert.ok(answer.status >= 400 && answer.status < 500, answer.text)
  for (const line of lines()) {
    const entry = JSON.parse(line)
    assert.deepEqual(Object.keys(entry).slice(0, 3), ['time', 'level', 'msg'], line)
    assert.ok(!Number.isNaN(Date.parse(entry.time)), line)
    assert.ok(['trace', 'debug', 'info', 'warn', 'error'].includes(entry.level), line)
    assert.notEqual(entry.msg, mark)
    assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/)
    assert.ok(line.length < 20_000)
  }
  const counted = lines().slice(before).map((line) => JSON.parse(line)).filter((entry) => entry.msg === 'call')
  const xrpc = nasty.length * 5 // the plain paths are no calls
  assert.ok(counted.length >= xrpc, `${counted.length} lines of ${xrpc} calls`) // more where a busy server made us ask twice
})

// --- at rest --------------------------------------------------------------------------------------

const filesOf = (where) =>
  fs.readdirSync(where, { recursive: true, withFileTypes: true }).map((entry) => ({
    name: path.join(entry.parentPath, entry.name),
    folder: entry.isDirectory(),
    mode: fs.lstatSync(path.join(entry.parentPath, entry.name)).mode & 0o777,
  }))

test('K1: files are for the server alone, however wide the umask', own, async () => {
  const data = path.join(folder, 'new', 'data')
  const log = path.join(folder, 'roost.log')
  const wide = process.umask(0)
  let server
  try {
    server = await staying(['serve', '--port', String(await freePort()), '--data-directory', data, '--log-destination', log], { ready: /^$/ })
    await until('the server to start', () => fs.existsSync(log) && fs.readFileSync(log, 'utf8').includes('"serving"'), 60_000)
  } finally {
    process.umask(wide)
  }
  try {
    assert.equal(fs.statSync(log).mode & 0o777, 0o600)
    assert.equal(fs.statSync(data).mode & 0o777, 0o700)
    const found = filesOf(data)
    for (const name of ['master.key', 'secrets.json', 'roost.sqlite', 'roost.sqlite-wal', 'roost.lock']) {
      assert.ok(found.some((one) => path.basename(one.name) === name), name)
    }
    for (const one of found) assert.equal(one.mode, one.folder ? 0o700 : 0o600, one.name)
  } finally {
    await server.stop()
  }
  for (const one of filesOf(data)) assert.equal(one.mode, one.folder ? 0o700 : 0o600, one.name)
})

// The code of a letter stands in the queue until the letter is sent; then it is overwritten.
test('K1: nothing on the disk holds a key, a password or a code in the clear', own, async () => {
  const who = await signUp(pds)
  fine(await procedure(pds, `${S}requestPasswordReset`, { email: who.email }))
  fine(await procedure(pds, `${S}requestEmailConfirmation`, undefined, { token: who.accessJwt }))
  const codes = [await smtp.token(who.email, 1), await smtp.token(who.email, 2)]
  const app = fine(await procedure(pds, `${S}createAppPassword`, { name: 'a' }, { token: who.accessJwt }))
  fine(await procedure(pds, `${S}reserveSigningKey`, { did: who.did }))
  await pds.restart() // the write-ahead log is now in the file

  const all = filesOf(pds.data).filter((one) => !one.folder)
  const database = all.filter((one) => path.basename(one.name).startsWith('roost.sqlite'))
  assert.ok(database.length > 0 && database.some((one) => fs.readFileSync(one.name).includes(who.handle)), 'the file is the right one')
  const secrets = {
    'PLC rotation key': Buffer.from(rotationKey, 'hex'),
    'session secret': Buffer.from(pds.jwtSecret),
    'admin password': Buffer.from(pds.adminPassword),
    'password': Buffer.from(who.password),
    'app password': Buffer.from(app.password),
    'access token': Buffer.from(who.accessJwt),
    'refresh token': Buffer.from(who.refreshJwt),
    'bypass key': Buffer.from(bypass),
    'code of a letter': Buffer.from(codes[0]),
    'code of another letter': Buffer.from(codes[1]),
  }
  const master = Buffer.from(fs.readFileSync(path.join(pds.data, 'master.key'), 'utf8').trim(), 'hex')
  for (const { name } of all) {
    const content = fs.readFileSync(name)
    const lower = Buffer.from(content.toString('latin1').toLowerCase(), 'latin1')
    for (const [what, value] of Object.entries(secrets)) {
      const forms = [value, Buffer.from(value.toString('base64').replace(/=+$/, '').slice(0, -1)), Buffer.from(value.toString('base64url').slice(0, -1))]
      assert.ok(!forms.some((form) => content.includes(form)), `${what} in ${name}`)
      assert.ok(!lower.includes(value.toString('hex')), `${what} in ${name}, in hex`)
    }
    if (path.basename(name) === 'master.key') continue
    assert.ok(!content.includes(master) && !lower.includes(master.toString('hex')), `the master key in ${name}`)
  }
})

test('K1: a thief of the database has no keys: without the master key there is no start', own, async () => {
  const stolen = path.join(folder, 'stolen')
  fs.mkdirSync(stolen, { mode: 0o700 })
  await pds.stop()
  for (const { name, folder } of filesOf(pds.data)) {
    if (!folder && path.basename(name).startsWith('roost.sqlite')) fs.copyFileSync(name, path.join(stolen, path.basename(name)))
  }
  const env = { ...pds.environment(), PDS_DATA_DIRECTORY: stolen, PDS_PORT: String(await freePort()), ROOST_METRICS_ADDRESS: 'off' }
  const without = await roost(['serve'], { env })
  assert.equal(without.code, 1, without.out)
  assert.match(without.err, /the master key .* is missing/)
  assert.ok(!fs.existsSync(path.join(stolen, 'master.key')), 'none is made up')
  await pds.restart()
})

// --- the process ----------------------------------------------------------------------------------

test('K4: no core file, and no secret among the arguments', own, async () => {
  const limits = fs.readFileSync(`/proc/${pds.pid}/limits`, 'utf8')
  assert.match(limits, /^Max core file size +0 +0 /m)
  const args = fs.readFileSync(`/proc/${pds.pid}/cmdline`, 'utf8')
  assertNoneIn(args)
  assert.match(args, /roost\0serve\0$/)
  for (const flag of ['--admin-password', '--jwt-secret', '--plc-rotation-key-k256-private-key-hex', '--email-smtp-url', '--rate-limit-bypass-key']) {
    const ran = await roost(['serve', flag, rotationKey], { cwd: folder })
    assert.equal(ran.code, 2, flag)
    assert.match(ran.err, /set PDS_[A-Z0-9_]+ in the environment/)
    assertNoneIn(ran.out + ran.err)
  }
})

test('K4: nobody of the same user reads the memory', own, async (t) => {
  if (sanitized()) return t.skip('a build with sanitizers stays traceable')
  const root = process.getuid() === 0
  const as = root ? { uid: 65534, gid: 65534 } : {}
  if (root && (await roost(['version'], { as }).catch((error) => error)).code !== 0) return t.skip('no other user can start it')
  fs.chmodSync(folder, 0o755)
  const data = path.join(folder, 'undumpable')
  fs.mkdirSync(data, { mode: 0o700 })
  if (root) fs.chownSync(data, 65534, 65534)
  const server = await staying(['serve', '--port', String(await freePort()), '--data-directory', data], { cwd: folder, ready: /"serving"/, as })
  try {
    // The kernel gives what belongs to a process that may not be dumped to root.
    assert.match(fs.readFileSync(`/proc/${server.pid}/status`, 'utf8'), new RegExp(`^Uid:\\s+${root ? 65534 : process.getuid()}\\s`, 'm'))
    assert.equal(fs.statSync(`/proc/${server.pid}/mem`).uid, 0)
    assert.equal(fs.statSync(`/proc/${server.pid}/environ`).uid, 0)
  } finally {
    await server.stop()
  }
})
