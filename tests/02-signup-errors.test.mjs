// Every refusal of createAccount, by status and name; and moving in with a DID one already has.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createServiceJwt } from '@atproto/xrpc-server'
import * as plcLib from '@did-plc/lib'
import { asAdmin, fine, procedure, query, refused } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { logIn, newcomer, person, rnd, signUp, whoAmI } from './lib/people.mjs'
import { secret } from './lib/secrets.mjs'
import { foreign, roostOnly } from './lib/where.mjs'

const { pds, plc, another } = await house()
const closed = await another({ env: { PDS_INVITE_REQUIRED: 'true' } })

const create = (more, how) =>
  procedure(pds, 'com.atproto.server.createAccount', { ...person(), ...more }, how)

test('handles: what is no handle at all is refused by the lexicon', async () => {
  const bad = ['', 'nodot', 'two..dots.test', '-front.test', 'back-.test', 'under_score.test', 'spa ce.test',
    'ümlaut.test', 'did:plc:abc', 'a.123', `${'a'.repeat(64)}.test`, 'trailing.test.', '@at.test',
    '\u202eabc.test', 'nul\u0000.test', "x'; DROP TABLE account;--.test"]
  for (const handle of bad) refused(await create({ handle }), 400, 'InvalidRequest')
  for (const handle of [7, null, {}, ['a.test']]) refused(await create({ handle }), 400, 'InvalidRequest')
  refused(await procedure(pds, 'com.atproto.server.createAccount', { email: 'a@b.example', password: rnd() }), 400, 'InvalidRequest')
})

test('handles: refused by the rules of this server', async () => {
  refused(await create({ handle: `a.${rnd()}.test` }), 400, 'InvalidHandle')
  refused(await create({ handle: 'ab.test' }), 400, 'InvalidHandle')
  refused(await create({ handle: `${'a'.repeat(19)}.test` }), 400, 'InvalidHandle')
  refused(await create({ handle: `${rnd()}.local` }), 400, 'InvalidHandle')
  refused(await create({ handle: `${rnd()}.invalid` }), 400, 'InvalidHandle')
  refused(await create({ handle: `${rnd()}.example.com` }), 400, 'UnsupportedDomain')
  for (const name of ['admin', 'about', 'pds', 'support']) {
    refused(await create({ handle: `${name}.test` }), 400, 'HandleNotAvailable')
  }
  refused(await create({ handle: 'ADMIN.test' }), 400, 'HandleNotAvailable')
})

test('handles: the shortest and the longest allowed, and upper case is lowered', async () => {
  const short = `${rnd(2).slice(0, 3)}.test`
  assert.equal((await signUp(pds, { handle: short })).handle, short)
  const long = `${rnd(9)}.test`
  assert.equal(long.length, 18 + 5)
  assert.equal((await signUp(pds, { handle: long })).handle, long)
  const name = `Mixed-${rnd()}.TEST`
  const made = fine(await create({ handle: name }))
  assert.equal(made.handle, name.toLowerCase())
})

test('handles: taken', async () => {
  const who = await signUp(pds)
  const error = foreign ? 'InvalidRequest' : 'HandleNotAvailable'
  refused(await create({ handle: who.handle }), 400, error, `Handle already taken: ${who.handle}`)
  refused(await create({ handle: who.handle.toUpperCase() }), 400, error, `Handle already taken: ${who.handle}`)
})

test('e-mail addresses', async () => {
  const unsupported = 'This email address is not supported, please use a different email.'
  for (const email of ['nobody', 'a@', '@b.example', 'two@at@b.example', 'sp ace@b.example', 'a@b', 'a@b.example\r\nBcc: x@y.example']) {
    refused(await create({ email }), 400, 'InvalidRequest', unsupported)
  }
  refused(await create({ email: undefined }), 400, 'InvalidRequest', 'Email is required')
  refused(await create({ email: 5 }), 400, 'InvalidRequest')
  const who = await signUp(pds)
  refused(await create({ email: who.email }), 400, 'InvalidRequest', `Email already taken: ${who.email}`)
  const shouted = await create({ email: who.email.toUpperCase() })
  refused(shouted, 400, 'InvalidRequest', /^Email already taken: /)
})

test('passwords: 8 to 256 bytes', roostOnly('the reference has only the upper bound, and no name for it'), async () => {
  const of = (length) => secret(rnd(130).slice(0, length), 'password')
  for (const length of [0, 1, 7]) refused(await create({ password: of(length) }), 400, 'InvalidPassword')
  refused(await create({ password: of(257) }), 400, 'InvalidPassword')
  refused(await create({ password: 'ü'.repeat(129) }), 400, 'InvalidPassword')
  refused(await create({ password: 'x'.repeat(20_000) }), 400, 'InvalidPassword')
  for (const password of [of(8), of(256), of(64), `${'ü'.repeat(124)}${of(8)}`]) {
    const who = fine(await create({ password }))
    assert.equal(fine(await logIn(pds, who.did, password)).did, who.did)
  }
})

test('passwords: too long', async () => {
  refused(await create({ password: 'x'.repeat(257) }), 400, foreign ? 'InvalidRequest' : 'InvalidPassword')
  refused(await create({ password: 8 }), 400, 'InvalidRequest')
})

test('passwords: the ones everybody uses', roostOnly('the reference takes them'), async () => {
  for (const password of ['password', 'password1', '12345678', '123456789', 'qwertyuiop', 'iloveyou', 'PASSWORD']) {
    refused(await create({ password }), 400, 'InvalidPassword')
  }
})

test('what this server cannot use is refused', async () => {
  refused(await create({ plcOp: {} }), 400, 'InvalidRequest', 'Unsupported input: "plcOp"')
  refused(await create({ did: 'not-a-did' }), 400, 'InvalidRequest')
})

test('a recovery key that is none is refused', roostOnly('the reference asks PLC, which refuses'), async () => {
  for (const recoveryKey of ['nonsense', 'did:key:zNonsense', 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa', '']) {
    const who = person()
    refused(await create({ ...who, recoveryKey }), 400, 'InvalidRequest')
    await signUp(pds, who)
  }
})

test('invite codes', async () => {
  const join = (inviteCode, who = person()) =>
    procedure(closed, 'com.atproto.server.createAccount', { ...who, inviteCode })
  const make = async (useCount) => fine(await asAdmin(closed, 'com.atproto.server.createInviteCode', { useCount })).code

  refused(await join(undefined), 400, 'InvalidInviteCode', 'No invite code provided')
  refused(await join('localhost-aaaaa-bbbbb'), 400, 'InvalidInviteCode', 'Provided invite code not available')

  const once = await make(1)
  const who = person()
  fine(await join(once, who))
  refused(await join(once), 400, 'InvalidInviteCode', 'Provided invite code not available')

  const twice = await make(2)
  fine(await join(twice))
  refused(await join(twice, { ...person(), handle: who.handle }), 400, foreign ? 'InvalidRequest' : 'HandleNotAvailable')
  fine(await join(twice))
  refused(await join(twice), 400, 'InvalidInviteCode')

  const off = await make(5)
  fine(await asAdmin(closed, 'com.atproto.admin.disableInviteCodes', { codes: [off] }))
  refused(await join(off), 400, 'InvalidInviteCode', 'Provided invite code not available')
})

test('one code, ten at once: it is used once', async () => {
  const { code } = fine(await asAdmin(closed, 'com.atproto.server.createInviteCode', { useCount: 1 }))
  const answers = await Promise.all(
    Array.from({ length: 10 }, () =>
      procedure(closed, 'com.atproto.server.createAccount', { ...person(), inviteCode: code }),
    ),
  )
  const good = answers.filter((answer) => answer.status === 200)
  assert.equal(good.length, 1)
  for (const answer of answers) if (answer.status !== 200) refused(answer, 400, 'InvalidInviteCode')
})

test('one handle, five at once: one gets it', async () => {
  const { handle } = person()
  const answers = await Promise.all(Array.from({ length: 5 }, () => create({ handle })))
  const good = answers.filter((answer) => answer.status === 200)
  assert.equal(good.length, 1)
  for (const answer of answers) {
    // The reference lets its database's refusal through as a 500.
    if (answer.status !== 200 && !foreign) refused(answer, 400, 'HandleNotAvailable')
  }
  const { did } = fine(await query(pds, 'com.atproto.identity.resolveHandle', { query: { handle } }))
  assert.equal(did, good[0].body.did)
})

// --- moving in with an existing DID ---------------------------------------------------------------

const mover = () => newcomer(plc)

const LXM = 'com.atproto.server.createAccount'
const jwt = (who, more = {}) =>
  createServiceJwt({ iss: who.did, aud: pds.did, lxm: LXM, keypair: who.key, ...more })
const wish = ({ handle, email, password, did }) => ({ handle, email, password, did })

test('an existing DID needs its owner', async () => {
  const who = await mover()
  refused(await create(wish(who)), 401, 'AuthenticationRequired', `Missing auth to create account with did: ${who.did}`)
  const thief = await mover()
  refused(await create(wish(who), { token: await jwt(thief) }), 401, 'AuthenticationRequired')
  refused(await create(wish(who), { token: await jwt(who, { keypair: thief.key }) }), 401, 'BadJwtSignature')
  refused(await create(wish(who), { token: await jwt(who, { aud: 'did:web:other.example' }) }), 401, 'BadJwtAudience')
  refused(await create(wish(who), { token: await jwt(who, { lxm: 'com.atproto.server.getSession' }) }), 401, 'BadJwtLexiconMethod')
  const past = Math.floor(Date.now() / 1000) - 10
  refused(await create(wish(who), { token: await jwt(who, { iat: past - 60, exp: past }) }), 401, 'JwtExpired')
  refused(await create(wish(who), { token: 'nonsense' }), 401, 'BadJwt')
  const stranger = { did: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa', key: who.key }
  const nobody = await create({ ...wish(who), did: stranger.did }, { token: await jwt(stranger) })
  assert.ok([400, 401].includes(nobody.status), nobody.text)
  fine(await create(wish(who), { token: await jwt(who) }))
})

test('a DID that moves in is deactivated until its document points here', async () => {
  const who = await mover()
  const { signingKey } = fine(await procedure(pds, 'com.atproto.server.reserveSigningKey', { did: who.did }))
  assert.match(signingKey, /^did:key:zQ3sh/)
  const made = fine(await create(wish(who), { token: await jwt(who) }))
  assert.equal(made.did, who.did)
  assert.equal(made.handle, who.handle)
  assert.equal((await plc.client.getOperationLog(who.did)).length, 1)

  const token = made.accessJwt
  const mine = fine(await whoAmI(pds, token))
  assert.deepEqual([mine.active, mine.status], [false, 'deactivated'])
  assert.equal(fine(await logIn(pds, who.handle, who.password)).active, false)
  const before = fine(await query(pds, 'com.atproto.server.checkAccountStatus', { token }))
  assert.deepEqual([before.activated, before.validDid], [false, false])
  refused(await query(pds, 'com.atproto.identity.resolveHandle', { query: { handle: who.handle } }), 400, 'HandleNotFound')
  refused(await procedure(pds, 'com.atproto.server.activateAccount', undefined, { token }), 400, 'InvalidRequest')

  const neighbour = await signUp(pds)
  const { rotationKeys } = await plc.client.getDocumentData(neighbour.did)
  const here = foreign
    ? fine(await query(pds, 'com.atproto.identity.getRecommendedDidCredentials', { token })).verificationMethods.atproto
    : signingKey
  const last = await plc.client.getLastOp(who.did)
  const op = await plcLib.createUpdateOp(last, who.key, (now) => ({
    ...now,
    rotationKeys: [who.key.did(), ...rotationKeys],
    verificationMethods: { atproto: here },
    services: { atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: pds.url } },
  }))
  await plc.client.sendOperation(who.did, op)

  assert.equal(fine(await query(pds, 'com.atproto.server.checkAccountStatus', { token })).validDid, true)
  fine(await procedure(pds, 'com.atproto.server.activateAccount', undefined, { token }))
  const after = fine(await query(pds, 'com.atproto.server.checkAccountStatus', { token }))
  assert.deepEqual([after.activated, after.validDid], [true, true])
  assert.equal(fine(await whoAmI(pds, token)).active, true)
  const found = fine(await query(pds, 'com.atproto.identity.resolveHandle', { query: { handle: who.handle } }))
  assert.equal(found.did, who.did)
  const { token: pass } = fine(await query(pds, 'com.atproto.server.getServiceAuth', { token, query: { aud: pds.did, lxm: LXM } }))
  const again = await create({ ...wish(who), ...person() }, { token: pass })
  if (foreign) assert.notEqual(again.status, 200)
  else refused(again, 400, 'InvalidRequest')
})

test('reserveSigningKey: the same key for the same DID, another for another', async () => {
  const reserve = async (body) => fine(await procedure(pds, 'com.atproto.server.reserveSigningKey', body)).signingKey
  const who = await mover()
  const first = await reserve({ did: who.did })
  assert.equal(await reserve({ did: who.did }), first)
  assert.notEqual(await reserve({ did: (await mover()).did }), first)
  assert.notEqual(await reserve({}), await reserve({}))
  refused(await procedure(pds, 'com.atproto.server.reserveSigningKey', { did: 'nope' }), 400, 'InvalidRequest')
})
