// Tokens by which an account speaks to other services: signed by the key in its DID document, for one
// audience and method, for a short time; and moving from one server to another with one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verifyJwt } from '@atproto/xrpc-server'
import { fine, procedure, query, refused } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { parts } from './lib/jwt.mjs'
import { logIn, signUp, whoAmI } from './lib/people.mjs'
import { roostOnly } from './lib/where.mjs'

const { pds, plc, another } = await house()
const AUD = 'did:web:api.example'
const now = () => Math.floor(Date.now() / 1000)
const get = (who, ask) => query(pds, 'com.atproto.server.getServiceAuth', { token: who?.accessJwt, query: ask })
const keyOf = async (did) => (await plc.client.getDocumentData(did)).verificationMethods.atproto

test('a token verifies with the key from the directory', async () => {
  const who = await signUp(pds)
  const lxm = 'app.bsky.feed.getTimeline'
  const { token } = fine(await get(who, { aud: AUD, lxm }))
  const payload = await verifyJwt(token, AUD, lxm, keyOf)
  assert.equal(payload.iss, who.did)
  assert.equal(payload.aud, AUD)
  assert.equal(payload.lxm, lxm)
  const { header, payload: all } = parts(token)
  assert.deepEqual(header, { typ: 'JWT', alg: 'ES256K' })
  assert.ok(all.jti.length >= 16)
  assert.ok(Math.abs(all.iat - now()) < 10)
  assert.equal(all.exp - all.iat, 60)
  const again = fine(await get(who, { aud: AUD, lxm })).token
  assert.notEqual(parts(again).payload.jti, all.jti)

  await assert.rejects(verifyJwt(token, 'did:web:other.example', lxm, keyOf), { error: 'BadJwtAudience' })
  await assert.rejects(verifyJwt(token, AUD, 'app.bsky.feed.getFeed', keyOf), { error: 'BadJwtLexiconMethod' })
  const stranger = await signUp(pds)
  await assert.rejects(verifyJwt(token, AUD, lxm, () => keyOf(stranger.did)), { error: 'BadJwtSignature' })
})

test('without a method, and for one service of a DID', async () => {
  const who = await signUp(pds)
  const plain = fine(await get(who, { aud: AUD })).token
  assert.equal(parts(plain).payload.lxm, undefined)
  await verifyJwt(plain, AUD, null, keyOf)
  const ref = `${AUD}#bsky_appview`
  assert.equal(parts(fine(await get(who, { aud: ref, lxm: 'app.bsky.feed.getTimeline' })).token).payload.aud, ref)
})

test('how long it may last', async () => {
  const who = await signUp(pds)
  const lxm = 'app.bsky.feed.getTimeline'
  const exp = now() + 3000
  assert.equal(parts(fine(await get(who, { aud: AUD, lxm, exp })).token).payload.exp, exp)
  assert.equal(parts(fine(await get(who, { aud: AUD, exp: now() + 50 })).token).payload.exp - now() > 30, true)
  refused(await get(who, { aud: AUD, lxm, exp: now() - 10 }), 400, 'BadExpiration', 'expiration is in past')
  refused(await get(who, { aud: AUD, lxm, exp: now() + 3700 }), 400, 'BadExpiration', 'cannot request a token with an expiration more than an hour in the future')
  refused(await get(who, { aud: AUD, exp: now() + 120 }), 400, 'BadExpiration', 'cannot request a method-less token with an expiration more than a minute in the future')
  refused(await get(who, { aud: AUD, lxm, exp: 'soon' }), 400, 'InvalidRequest')
  refused(await get(who, { aud: AUD, lxm, exp: '9223372036854775808' }), 400, 'InvalidRequest')
})

test('methods that nobody may call in somebody’s name', async () => {
  const who = await signUp(pds)
  const closed = [
    'com.atproto.admin.sendEmail',
    'com.atproto.identity.requestPlcOperationSignature',
    'com.atproto.identity.signPlcOperation',
    'com.atproto.identity.updateHandle',
    ...['activateAccount', 'confirmEmail', 'createAppPassword', 'deactivateAccount', 'getAccountInviteCodes', 'getSession',
      'listAppPasswords', 'requestAccountDelete', 'requestEmailConfirmation', 'requestEmailUpdate', 'revokeAppPassword',
      'updateEmail'].map((name) => `com.atproto.server.${name}`),
  ]
  for (const lxm of closed) {
    refused(await get(who, { aud: AUD, lxm }), 400, 'InvalidRequest', `cannot request a service auth token for the following protected method: ${lxm}`)
  }
})

test('bad input', async () => {
  const who = await signUp(pds)
  refused(await get(undefined, { aud: AUD }), 401, 'AuthMissing')
  refused(await get(who, {}), 400, 'InvalidRequest')
  for (const aud of ['api.example', 'did:', 'did:web:api.example#', 'https://api.example']) {
    refused(await get(who, { aud }), 400, 'InvalidRequest')
  }
  refused(await get(who, { aud: AUD, lxm: 'not an nsid' }), 400, 'InvalidRequest')
})

test('an app password needs the privilege for messages and moving', async () => {
  const who = await signUp(pds)
  for (const privileged of [false, true]) {
    const made = fine(
      await procedure(pds, 'com.atproto.server.createAppPassword', { name: `${privileged}`, privileged }, { token: who.accessJwt }),
    )
    const app = fine(await logIn(pds, who.handle, made.password))
    for (const lxm of ['chat.bsky.convo.getLog', 'com.atproto.server.createAccount']) {
      const answer = await get(app, { aud: AUD, lxm })
      if (privileged) fine(answer)
      else refused(answer, 400, 'InvalidRequest', `insufficient access to request a service auth token for the following method: ${lxm}`)
    }
    fine(await get(app, { aud: AUD, lxm: 'app.bsky.feed.getTimeline' }))
  }
})

test('moving from one server to another', async () => {
  const there = await another({ env: { PDS_SERVICE_DID: 'did:web:there.test' } })
  const who = await signUp(pds)
  const lxm = 'com.atproto.server.createAccount'
  const { token } = fine(await get(who, { aud: 'did:web:there.test', lxm }))
  const { did, handle, email, password } = who
  const move = (jwt) => procedure(there, lxm, { did, handle, email, password }, { token: jwt })
  const elsewhere = fine(await get(who, { aud: 'did:web:elsewhere.test', lxm })).token
  refused(await move(elsewhere), 401, 'BadJwtAudience')
  const made = fine(await move(token))
  assert.equal(made.did, did)
  const mine = fine(await whoAmI(there, made.accessJwt))
  assert.deepEqual([mine.active, mine.status], [false, 'deactivated'])
  assert.equal(parts(made.accessJwt).payload.aud, 'did:web:there.test')
})

test('a token is used once', roostOnly('the reference keeps no memory of them'), async () => {
  const there = await another({ env: { PDS_SERVICE_DID: 'did:web:once.test' } })
  const who = await signUp(pds)
  const lxm = 'com.atproto.server.createAccount'
  const { token } = fine(await get(who, { aud: 'did:web:once.test', lxm }))
  const { did, handle, email, password } = who
  const move = (more) => procedure(there, lxm, { did, handle, email, password, ...more }, { token })
  fine(await move())
  const replayed = await move({ handle: `r${handle}` })
  assert.equal(replayed.status, 401, replayed.text)
})
