// What the session tokens are, which confusions of them are refused, how refresh tokens rotate, and
// that whatever ends a session ends it on the next request.
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import http from 'node:http'
import { test } from 'node:test'
import { asAdmin, basic, fine, procedure, query, refused } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { forge, parts } from './lib/jwt.mjs'
import { freePort } from './lib/net.mjs'
import { logIn, refresh, rnd, signUp, whoAmI } from './lib/people.mjs'
import { secret } from './lib/secrets.mjs'
import { clock } from './lib/server.mjs'
import { foreign, roostOnly } from './lib/where.mjs'

const { pds, smtp, another } = await house()
const HOUR = 3600

test('the access token', async () => {
  const who = await signUp(pds)
  const { header, payload } = parts(who.accessJwt)
  assert.deepEqual(header, { typ: 'at+jwt', alg: 'HS256' })
  assert.equal(payload.scope, 'com.atproto.access')
  assert.equal(payload.aud, pds.did)
  assert.equal(payload.sub, who.did)
  assert.equal(payload.exp - payload.iat, 2 * HOUR)
  assert.ok(Math.abs(payload.iat - Date.now() / 1000) < 10)
  const signed = who.accessJwt.split('.').slice(0, 2).join('.')
  const mac = crypto.createHmac('sha256', pds.jwtSecret).update(signed).digest('base64url')
  assert.equal(who.accessJwt.split('.')[2], mac, 'HS256 with PDS_JWT_SECRET')
})

test('the refresh token', async () => {
  const who = await signUp(pds)
  const { header, payload } = parts(who.refreshJwt)
  assert.deepEqual(header, { typ: 'refresh+jwt', alg: 'HS256' })
  assert.equal(payload.scope, 'com.atproto.refresh')
  assert.equal(payload.aud, pds.did)
  assert.equal(payload.sub, who.did)
  assert.equal(payload.exp - payload.iat, 90 * 24 * HOUR)
  assert.ok(payload.jti.length >= 16)
  const other = fine(await logIn(pds, who.handle, who.password))
  assert.notEqual(parts(other.refreshJwt).payload.jti, payload.jti)
})

test('one kind of token is not taken for the other', async () => {
  const who = await signUp(pds)
  refused(await whoAmI(pds, who.refreshJwt), 400, 'InvalidToken')
  refused(await refresh(pds, who.accessJwt), 400, 'InvalidToken')
  refused(await whoAmI(pds), 401, 'AuthMissing')
  refused(await refresh(pds), 401, 'AuthMissing')
})

test('forged and altered tokens', async () => {
  const who = await signUp(pds)
  const { header, payload } = parts(who.accessJwt)
  const key = pds.jwtSecret
  fine(await whoAmI(pds, forge(header, payload, key))) // the forgery itself is sound

  const [head, body, mac] = who.accessJwt.split('.')
  const victim = await signUp(pds)
  const swapped = [head, victim.accessJwt.split('.')[1], mac].join('.')
  const bad = {
    'alg none': forge({ ...header, alg: 'none' }, payload),
    'alg none, capitals': forge({ ...header, alg: 'NONE' }, payload),
    'no signature': `${head}.${body}.`,
    'two parts': `${head}.${body}`,
    'four parts': `${who.accessJwt}.${mac}`,
    'alg HS512': forge({ ...header, alg: 'HS512' }, payload, key),
    'alg RS256': forge({ ...header, alg: 'RS256' }, payload, key),
    'no alg': forge({ typ: 'at+jwt' }, payload, key),
    'another key': forge(header, payload, 'another key'),
    'empty key': forge(header, payload, ''),
    'the payload of another': swapped,
    'typ JWT': forge({ ...header, typ: 'JWT' }, payload, key),
    'typ refresh+jwt': forge({ ...header, typ: 'refresh+jwt' }, payload, key),
    'no typ': forge({ alg: 'HS256' }, payload, key),
    'another audience': forge(header, { ...payload, aud: 'did:web:other.example' }, key),
    'no audience': forge(header, { ...payload, aud: undefined }, key),
    'the scope of a refresh token': forge(header, { ...payload, scope: 'com.atproto.refresh' }, key),
    'an unknown scope': forge(header, { ...payload, scope: 'com.atproto.everything' }, key),
    'no scope': forge(header, { ...payload, scope: undefined }, key),
    'no subject': forge(header, { ...payload, sub: undefined }, key),
    'a subject that is no DID': forge(header, { ...payload, sub: 'admin' }, key),
    'a method in it': forge(header, { ...payload, lxm: 'com.atproto.server.getSession' }, key),
    'a key in it': forge(header, { ...payload, cnf: { jkt: 'x' } }, key),
    'exp is text': forge(header, { ...payload, exp: `${payload.exp}` }, key),
    'crit': forge({ ...header, crit: ['more'], more: 1 }, payload, key),
    'tampered signature': `${head}.${body}.${mac.slice(0, -2)}${mac.at(-2) === 'A' ? 'B' : 'A'}${mac.at(-1)}`,
    'payload is no JSON': `${head}.${Buffer.from('{').toString('base64url')}.${mac}`,
    'nonsense': 'nonsense',
    'dots': '..',
    '9 kB': forge(header, { ...payload, more: 'x'.repeat(9000) }, 'another key'),
  }
  for (const [what, token] of Object.entries(bad)) {
    const answer = await whoAmI(pds, token)
    assert.deepEqual([answer.status, answer.body?.error], [400, 'InvalidToken'], `${what}: ${answer.status} ${answer.text}`)
  }
  const past = Math.floor(Date.now() / 1000) - 60
  refused(await whoAmI(pds, forge(header, { ...payload, iat: past - 60, exp: past }, key)), 400, 'ExpiredToken')
  refused(await whoAmI(pds, forge(header, { ...payload, exp: 0 }, key)), 400, 'ExpiredToken')
})

test('exp and iat are required', roostOnly('the reference takes tokens without them'), async () => {
  const who = await signUp(pds)
  for (const which of ['accessJwt', 'refreshJwt']) {
    const { header, payload } = parts(who[which])
    const call = which === 'accessJwt' ? whoAmI : refresh
    refused(await call(pds, forge(header, { ...payload, exp: undefined }, pds.jwtSecret)), 400, 'InvalidToken')
    refused(await call(pds, forge(header, { ...payload, iat: undefined }, pds.jwtSecret)), 400, 'InvalidToken')
  }
  const { header, payload } = parts(who.accessJwt)
  const long = forge(header, { ...payload, more: 'x'.repeat(9000) }, pds.jwtSecret)
  refused(await whoAmI(pds, long), 400, 'InvalidToken')
})

test('a token of a session that never was', roostOnly('sessions are looked up'), async () => {
  const who = await signUp(pds)
  const { header, payload } = parts(who.accessJwt)
  const bare = Object.fromEntries(['scope', 'aud', 'sub', 'iat', 'exp'].map((name) => [name, payload[name]]))
  const answer = await whoAmI(pds, forge(header, bare, pds.jwtSecret))
  assert.equal(answer.status, 400, answer.text)
  assert.match(answer.body.error, /^(InvalidToken|ExpiredToken)$/)
  const refreshing = parts(who.refreshJwt)
  const other = forge(refreshing.header, { ...refreshing.payload, jti: rnd(32) }, pds.jwtSecret)
  const refreshed = await refresh(pds, other)
  assert.ok([400, 401].includes(refreshed.status), refreshed.text)
  assert.match(refreshed.body.error, /^(InvalidToken|ExpiredToken|MissingTokenId)$/)
})

test('URLs in a token are never fetched', async () => {
  const port = await freePort()
  let hits = 0
  const trap = http.createServer((_request, response) => {
    hits++
    response.end('{}')
  })
  await new Promise((resolve) => trap.listen(port, '127.0.0.1', resolve))
  const who = await signUp(pds)
  const { header, payload } = parts(who.accessJwt)
  const url = `http://127.0.0.1:${port}/keys`
  for (const more of [{ jku: url }, { x5u: url }, { kid: url }, { jwk: { kty: 'oct', k: 'YQ' } }]) {
    refused(await whoAmI(pds, forge({ ...header, ...more }, payload, 'a')), 400, 'InvalidToken')
  }
  assert.equal(hits, 0)
  trap.close()
})

test('the Authorization header', async () => {
  const who = await signUp(pds)
  const ask = (authorization) => query(pds, 'com.atproto.server.getSession', { headers: { authorization } })
  fine(await ask(`bearer ${who.accessJwt}`))
  fine(await ask(`BEARER ${who.accessJwt}`))
  refused(await ask('Bearer'), 400, 'InvalidToken')
  refused(await ask(`Bearer ${who.accessJwt} more`), 400, 'InvalidToken')
  refused(await ask(`Digest ${who.accessJwt}`), 400, 'InvalidToken')
  refused(await ask(basic(pds.adminPassword).authorization), 400, 'InvalidToken')
})

test('the administrator is nobody else, and nobody else is the administrator', async () => {
  const who = await signUp(pds)
  const invite = (headers) => procedure(pds, 'com.atproto.server.createInviteCode', { useCount: 1 }, { headers })
  refused(await invite({}), 401, 'AuthenticationRequired')
  refused(await invite({ authorization: `Bearer ${who.accessJwt}` }), 401, 'AuthenticationRequired')
  refused(await invite(basic('wrong password')), 401, 'AuthenticationRequired')
  refused(await invite(basic(pds.adminPassword, 'root')), 401, 'AuthenticationRequired')
  refused(await invite(basic('')), 401, 'AuthenticationRequired')
  refused(await invite({ authorization: 'Basic !!!' }), 401, 'AuthenticationRequired')
  fine(await invite(basic(pds.adminPassword)))
})

test('refreshing gives a new pair, and the old one the same successor for a while', async () => {
  const who = await signUp(pds)
  const jti = (pair) => parts(pair.refreshJwt).payload.jti
  const first = fine(await refresh(pds, who.refreshJwt))
  assert.notEqual(jti(first), jti(who))
  const again = fine(await refresh(pds, who.refreshJwt))
  assert.equal(jti(again), jti(first))
  const second = fine(await refresh(pds, first.refreshJwt))
  assert.notEqual(jti(second), jti(first))
  for (const pair of [first, again, second]) fine(await whoAmI(pds, pair.accessJwt))
})

test('ten refreshes at once give one successor', async () => {
  const who = await signUp(pds)
  const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(pds, who.refreshJwt)))
  const good = answers.filter((answer) => answer.status === 200)
  if (!foreign) assert.equal(good.length, 10) // the reference may lose some to its own race
  assert.equal(new Set(good.map((answer) => parts(answer.body.refreshJwt).payload.jti)).size, 1)
  fine(await refresh(pds, good[0].body.refreshJwt))
})

test('an older token than the last is a copy: the chain ends', roostOnly('reuse detection'), async () => {
  const who = await signUp(pds)
  const first = fine(await refresh(pds, who.refreshJwt))
  const second = fine(await refresh(pds, first.refreshJwt))
  refused(await refresh(pds, who.refreshJwt), 400, 'ExpiredToken')
  refused(await refresh(pds, second.refreshJwt), 400, 'ExpiredToken')
  refused(await whoAmI(pds, second.accessJwt), 400, 'ExpiredToken')
  assert.match(pds.log(), new RegExp(`"level":"warn","msg":"refresh token used again.*${who.did}`))
})

test('logging out with any token of a chain ends all of it', roostOnly('chains are one session'), async () => {
  for (const which of [0, 1]) {
    const who = await signUp(pds)
    const next = fine(await refresh(pds, who.refreshJwt))
    const pairs = [who, next]
    fine(await procedure(pds, 'com.atproto.server.deleteSession', undefined, { token: pairs[which].refreshJwt }))
    for (const pair of pairs) {
      refused(await refresh(pds, pair.refreshJwt), 400, 'ExpiredToken')
      refused(await whoAmI(pds, pair.accessJwt), 400, 'ExpiredToken')
    }
  }
})

test('time: access tokens last two hours, refresh tokens ninety days', clock, async () => {
  const pds = await another()
  const who = await signUp(pds)
  await pds.restart({ ahead: 2 * HOUR - 600 })
  fine(await whoAmI(pds, who.accessJwt))
  await pds.restart({ ahead: 2 * HOUR + 5 })
  refused(await whoAmI(pds, who.accessJwt), 400, 'ExpiredToken', 'Token has expired')
  const next = fine(await refresh(pds, who.refreshJwt))
  fine(await whoAmI(pds, next.accessJwt))
  await pds.restart({ ahead: 92 * 24 * HOUR + 2 * HOUR })
  refused(await refresh(pds, next.refreshJwt), 400, 'ExpiredToken')
  fine(await procedure(pds, 'com.atproto.server.deleteSession', undefined, { token: next.refreshJwt }))
})

test('time: reuse after the grace of a minute ends the chain', foreign ? roostOnly('the grace of the reference is two hours') : clock, async () => {
  const pds = await another()
  const who = await signUp(pds)
  const other = fine(await logIn(pds, who.handle, who.password))
  const first = fine(await refresh(pds, who.refreshJwt))
  await pds.restart({ ahead: 15 })
  const again = fine(await refresh(pds, who.refreshJwt))
  assert.equal(parts(again.refreshJwt).payload.jti, parts(first.refreshJwt).payload.jti)
  await pds.restart({ ahead: 75 })
  refused(await refresh(pds, who.refreshJwt), 400, 'ExpiredToken')
  refused(await refresh(pds, first.refreshJwt), 400, 'ExpiredToken')
  refused(await whoAmI(pds, first.accessJwt), 400, 'ExpiredToken')
  fine(await whoAmI(pds, other.accessJwt)) // another session of the same person goes on
  fine(await refresh(pds, other.refreshJwt))
})

// --- what ends sessions ---------------------------------------------------------------------------

test('a password reset ends every session', async () => {
  const who = await signUp(pds)
  const other = fine(await logIn(pds, who.handle, who.password))
  fine(await procedure(pds, 'com.atproto.server.requestPasswordReset', { email: who.email }))
  const token = await smtp.token(who.email)
  fine(await procedure(pds, 'com.atproto.server.resetPassword', { token, password: secret(`new one ${rnd(6)}`, 'password') }))
  for (const pair of [who, other]) {
    refused(await refresh(pds, pair.refreshJwt), 400, 'ExpiredToken')
    if (!foreign) refused(await whoAmI(pds, pair.accessJwt), 400, 'ExpiredToken')
  }
})

test('a takedown ends every session', async () => {
  const who = await signUp(pds)
  const subject = { $type: 'com.atproto.admin.defs#repoRef', did: who.did }
  fine(await asAdmin(pds, 'com.atproto.admin.updateSubjectStatus', { subject, takedown: { applied: true, ref: 'test' } }))
  refused(await refresh(pds, who.refreshJwt), 401, 'AccountTakedown')
  if (!foreign) {
    const answer = await whoAmI(pds, who.accessJwt)
    assert.ok(
      (answer.status === 401 && answer.body.error === 'AccountTakedown') ||
        (answer.status === 400 && answer.body.error === 'ExpiredToken'),
      answer.text,
    )
  }
})

test('a deactivation shows on the next request', async () => {
  const who = await signUp(pds)
  fine(await procedure(pds, 'com.atproto.server.deactivateAccount', {}, { token: who.accessJwt }))
  const mine = fine(await whoAmI(pds, who.accessJwt))
  assert.deepEqual([mine.active, mine.status], [false, 'deactivated'])
  const next = fine(await refresh(pds, who.refreshJwt))
  assert.deepEqual([next.active, next.status], [false, 'deactivated'])
})

test('revoking an app password ends its sessions and no others', async () => {
  const who = await signUp(pds)
  const made = fine(await procedure(pds, 'com.atproto.server.createAppPassword', { name: 'app' }, { token: who.accessJwt }))
  const app = fine(await logIn(pds, who.handle, made.password))
  fine(await whoAmI(pds, app.accessJwt))
  fine(await procedure(pds, 'com.atproto.server.revokeAppPassword', { name: 'app' }, { token: who.accessJwt }))
  refused(await refresh(pds, app.refreshJwt), 400, 'ExpiredToken')
  if (!foreign) refused(await whoAmI(pds, app.accessJwt), 400, 'ExpiredToken')
  refused(await logIn(pds, who.handle, made.password), 401, 'AuthenticationRequired')
  fine(await whoAmI(pds, who.accessJwt))
  fine(await refresh(pds, who.refreshJwt))
})
