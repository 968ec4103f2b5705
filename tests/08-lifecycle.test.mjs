// The life of an account: put to sleep, woken, deleted, taken down, given back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asAdmin, basic, fine, procedure, query, refused } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { parts } from './lib/jwt.mjs'
import { until } from './lib/net.mjs'
import { logIn, refresh, signUp, whoAmI } from './lib/people.mjs'
import { clock } from './lib/server.mjs'
import { foreign, roostOnly } from './lib/where.mjs'

const { pds, smtp, another } = await house()
const S = 'com.atproto.server.'
const post = (who, method, body, at = pds) => procedure(at, S + method, body, { token: who?.accessJwt })
const resolve = (handle, at = pds) => query(at, 'com.atproto.identity.resolveHandle', { query: { handle } })
const repo = (did, at = pds) => query(at, 'com.atproto.sync.getRepo', { query: { did } })
const status = async (who) => fine(await query(pds, `${S}checkAccountStatus`, { token: who.accessJwt }))
const takedown = (did, applied, ref = 'a reason') =>
  asAdmin(pds, 'com.atproto.admin.updateSubjectStatus', {
    subject: { $type: 'com.atproto.admin.defs#repoRef', did },
    takedown: { applied, ...(applied && { ref }) },
  })

test('checkAccountStatus of a new account', async () => {
  const who = await signUp(pds)
  const { repoCommit, repoRev, ...rest } = await status(who)
  assert.match(repoCommit, /^bafyrei[a-z2-7]{52}$/)
  assert.match(repoRev, /^[a-z2-7]{13}$/)
  assert.deepEqual(rest, {
    activated: true,
    validDid: true,
    repoBlocks: 2,
    indexedRecords: 0,
    privateStateValues: 0,
    expectedBlobs: 0,
    importedBlobs: 0,
  })
})

test('deactivate and activate', async () => {
  const who = await signUp(pds)
  fine(await post(who, 'deactivateAccount', {}))
  assert.equal((await status(who)).activated, false)
  refused(await resolve(who.handle), 400, 'HandleNotFound')
  refused(await repo(who.did), 400, 'RepoDeactivated')
  const session = fine(await logIn(pds, who.handle, who.password))
  assert.deepEqual([session.active, session.status, session.did], [false, 'deactivated', who.did])
  fine(await post(session, 'activateAccount'))
  assert.equal((await status(who)).activated, true)
  assert.equal(fine(await resolve(who.handle)).did, who.did)
  assert.equal((await repo(who.did)).status, 200)
  const mine = fine(await whoAmI(pds, session.accessJwt))
  assert.deepEqual([mine.active, mine.status], [true, undefined])
  refused(await post(null, 'deactivateAccount', {}), 401, 'AuthMissing')
  refused(await post(null, 'activateAccount'), 401, 'AuthMissing')
  refused(await post(who, 'deactivateAccount', { deleteAfter: 'tomorrow' }), 400, 'InvalidRequest')
})

test('the handle and the address of a sleeping account are not free', roostOnly('the reference answers 500'), async () => {
  const who = await signUp(pds)
  fine(await post(who, 'deactivateAccount', {}))
  const { email, password } = await signUp(pds)
  refused(await post(null, 'createAccount', { handle: who.handle, email: `x${email}`, password }), 400, 'HandleNotAvailable')
  refused(await post(null, 'createAccount', { handle: `x${who.handle}`, email: who.email, password }), 400, 'InvalidRequest', `Email already taken: ${who.email}`)
})

test('deleteAfter is honoured', foreign ? roostOnly('nothing in the reference looks at it') : clock, async () => {
  const pds = await another()
  const [gone, kept, woken] = [await signUp(pds), await signUp(pds), await signUp(pds)]
  const at = (seconds) => new Date(Date.now() + seconds * 1000).toISOString()
  fine(await post(gone, 'deactivateAccount', { deleteAfter: at(3600) }, pds))
  fine(await post(kept, 'deactivateAccount', { deleteAfter: at(3 * 3600) }, pds))
  fine(await post(woken, 'deactivateAccount', { deleteAfter: at(3600) }, pds))
  fine(await post(woken, 'activateAccount', undefined, pds))
  await pds.restart({ ahead: 3700 })
  await until('the account to go', async () => (await logIn(pds, gone.handle, gone.password)).status === 401, 20_000)
  refused(await repo(gone.did, pds), 400, 'RepoNotFound')
  assert.equal(fine(await logIn(pds, kept.handle, kept.password)).status, 'deactivated')
  assert.equal(fine(await logIn(pds, woken.handle, woken.password)).active, true)
  await signUp(pds, { handle: gone.handle, email: gone.email })
})

test('deleting needs the mailed code and the password', async () => {
  const who = await signUp(pds)
  fine(await post(who, 'requestAccountDelete'))
  const token = await smtp.token(who.email)
  const { did, password } = who
  const erase = (more) => post(null, 'deleteAccount', { did, password, token, ...more })
  refused(await erase({ password: 'wrong password' }), 401, 'AuthenticationRequired')
  refused(await erase({ token: 'AAAAA-BBBBB' }), 400, 'InvalidToken', 'Token is invalid')
  refused(await erase({ token: undefined }), 400, 'InvalidRequest')
  refused(await erase({ did: 'nope' }), 400, 'InvalidRequest')
  const other = await signUp(pds)
  refused(await erase({ did: other.did, password: other.password }), 400, 'InvalidToken')
  refused(await post(null, 'requestAccountDelete'), 401, 'AuthMissing')
  fine(await whoAmI(pds, who.accessJwt))
  fine(await erase())
})

test('after the deletion everything is gone, and the names are free again', async () => {
  const who = await signUp(pds)
  const app = fine(await post(who, 'createAppPassword', { name: 'app' }))
  fine(await post(who, 'requestAccountDelete'))
  const token = await smtp.token(who.email)
  const wish = { did: who.did, password: who.password, token }
  fine(await post(null, 'deleteAccount', wish))

  refused(await logIn(pds, who.handle, who.password), 401, 'AuthenticationRequired')
  refused(await logIn(pds, who.did, who.password), 401, 'AuthenticationRequired')
  refused(await logIn(pds, who.email, who.password), 401, 'AuthenticationRequired')
  refused(await logIn(pds, who.handle, app.password), 401, 'AuthenticationRequired')
  refused(await resolve(who.handle), 400, 'HandleNotFound')
  refused(await repo(who.did), 400, 'RepoNotFound')
  assert.notEqual((await refresh(pds, who.refreshJwt)).status, 200)
  assert.notEqual((await whoAmI(pds, who.accessJwt)).status, 200)
  assert.notEqual((await post(null, 'deleteAccount', wish)).status, 200)

  const { handle, email, password } = who
  const again = fine(await post(null, 'createAccount', { handle, email, password }))
  assert.notEqual(again.did, who.did)
  assert.equal(fine(await resolve(handle)).did, again.did)
  refused(await logIn(pds, handle, app.password), 401, 'AuthenticationRequired')
})

test('the tokens of a deleted account', roostOnly('the session is looked up'), async () => {
  const who = await signUp(pds)
  fine(await post(who, 'requestAccountDelete'))
  fine(await post(null, 'deleteAccount', { did: who.did, password: who.password, token: await smtp.token(who.email) }))
  refused(await whoAmI(pds, who.accessJwt), 400, 'ExpiredToken')
  refused(await refresh(pds, who.refreshJwt), 400, 'ExpiredToken')
})

test('taken down, and given back', async () => {
  const who = await signUp(pds)
  fine(await takedown(who.did, true))
  refused(await logIn(pds, who.handle, who.password), 401, 'AccountTakedown', 'Account has been taken down')
  refused(await logIn(pds, who.email, who.password), 401, 'AccountTakedown')
  refused(await logIn(pds, who.handle, 'wrong password'), 401, 'AuthenticationRequired', 'Invalid identifier or password')
  refused(await refresh(pds, who.refreshJwt), 401, 'AccountTakedown')
  refused(await resolve(who.handle), 400, 'HandleNotFound')
  refused(await repo(who.did), 400, 'RepoTakendown')
  assert.notEqual((await post(who, 'createAppPassword', { name: 'app' })).status, 200)

  fine(await takedown(who.did, false))
  const session = fine(await logIn(pds, who.handle, who.password))
  assert.deepEqual([session.active, session.status], [true, undefined])
  assert.equal(fine(await resolve(who.handle)).did, who.did)
  assert.equal((await repo(who.did)).status, 200)
  assert.notEqual((await refresh(pds, who.refreshJwt)).status, 200) // what ended has ended
})

test('the narrow session of who is taken down', async () => {
  const who = await signUp(pds)
  const app = fine(await post(who, 'createAppPassword', { name: 'app' }))
  fine(await takedown(who.did, true))
  const narrow = fine(await logIn(pds, who.handle, who.password, { allowTakendown: true }))
  assert.deepEqual([narrow.active, narrow.status, narrow.did], [false, 'takendown', who.did])
  assert.equal(parts(narrow.accessJwt).payload.scope, 'com.atproto.takendown')
  refused(await whoAmI(pds, narrow.accessJwt), 400, 'InvalidToken', 'Bad token scope')
  refused(await post(narrow, 'createAppPassword', { name: 'x' }), 400, 'InvalidToken')
  refused(await refresh(pds, narrow.refreshJwt), 401, 'AccountTakedown')

  const auth = (lxm) =>
    query(pds, `${S}getServiceAuth`, { token: narrow.accessJwt, query: { aud: 'did:web:new.example', lxm } })
  if (!foreign) fine(await auth('com.atproto.server.createAccount')) // the reference means to, but its next rule refuses
  refused(await auth('app.bsky.feed.getTimeline'), 400, 'InvalidToken', 'Bad token scope')
  // An app password opens no such session.
  if (!foreign) assert.equal((await logIn(pds, who.handle, app.password, { allowTakendown: true })).status, 401)

  const plain = fine(await logIn(pds, (await restored(who)).handle, who.password, { allowTakendown: true }))
  assert.equal(parts(plain.accessJwt).payload.scope, 'com.atproto.access')
})

async function restored(who) {
  fine(await takedown(who.did, false))
  return who
}

test('what the administrator sees and says', async () => {
  const who = await signUp(pds)
  const answer = fine(await takedown(who.did, true, 'spam'))
  assert.deepEqual(answer, {
    subject: { $type: 'com.atproto.admin.defs#repoRef', did: who.did },
    takedown: { applied: true, ref: 'spam' },
  })
  const seen = async () =>
    fine(await query(pds, 'com.atproto.admin.getSubjectStatus', { query: { did: who.did }, headers: basic(pds.adminPassword) }))
  assert.deepEqual((await seen()).takedown, { applied: true, ref: 'spam' })
  fine(await takedown(who.did, false))
  assert.deepEqual((await seen()).takedown, { applied: false })
  refused(
    await procedure(pds, 'com.atproto.admin.updateSubjectStatus', { subject: answer.subject, takedown: { applied: true } }),
    401,
    'AuthenticationRequired',
  )
})
