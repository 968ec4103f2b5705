// Passwords for apps: what they may do, what they may not, and that they can be taken back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import { fine, procedure, query, refused } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { parts } from './lib/jwt.mjs'
import { logIn, person, refresh, rnd, signUp, whoAmI } from './lib/people.mjs'
import { roostOnly } from './lib/where.mjs'

const { pds } = await house()
const S = 'com.atproto.server.'
const make = (token, body) => procedure(pds, `${S}createAppPassword`, body, { token })
const list = async (token) => fine(await query(pds, `${S}listAppPasswords`, { token })).passwords

test('@atproto/api: create, list, log in, revoke', async () => {
  const who = person()
  const agent = new AtpAgent({ service: pds.url })
  await agent.createAccount(who)
  const { data } = await agent.com.atproto.server.createAppPassword({ name: 'my phone' })
  assert.match(data.password, /^[a-z2-7]{4}-[a-z2-7]{4}-[a-z2-7]{4}-[a-z2-7]{4}$/)
  assert.equal(data.name, 'my phone')
  assert.equal(data.privileged, false)
  assert.ok(Math.abs(new Date(data.createdAt) - Date.now()) < 10_000)

  const phone = new AtpAgent({ service: pds.url })
  const session = await phone.login({ identifier: who.handle, password: data.password })
  assert.equal(session.data.did, agent.did)
  const listed = (await phone.com.atproto.server.getSession()).data
  assert.equal(listed.handle, who.handle)

  const { passwords } = (await agent.com.atproto.server.listAppPasswords()).data
  assert.deepEqual(passwords, [{ name: 'my phone', createdAt: data.createdAt, privileged: false }])
  await agent.com.atproto.server.revokeAppPassword({ name: 'my phone' })
  assert.deepEqual((await agent.com.atproto.server.listAppPasswords()).data.passwords, [])
  await assert.rejects(phone.login({ identifier: who.handle, password: data.password }), { status: 401, error: 'AuthenticationRequired' })
})

test('the scopes, and that they last through a refresh', async () => {
  const who = await signUp(pds)
  for (const [privileged, scope] of [[undefined, 'appPass'], [false, 'appPass'], [true, 'appPassPrivileged']]) {
    const name = `app ${privileged}`
    const made = fine(await make(who.accessJwt, { name, privileged }))
    assert.equal(made.privileged, privileged ?? false)
    for (const identifier of [who.handle, who.email, who.did]) {
      const session = fine(await logIn(pds, identifier, made.password))
      assert.equal(parts(session.accessJwt).payload.scope, `com.atproto.${scope}`)
      const next = fine(await refresh(pds, session.refreshJwt))
      assert.equal(parts(next.accessJwt).payload.scope, `com.atproto.${scope}`)
      fine(await whoAmI(pds, next.accessJwt))
    }
  }
  assert.equal(parts(fine(await logIn(pds, who.handle, who.password)).accessJwt).payload.scope, 'com.atproto.access')
  assert.deepEqual((await list(who.accessJwt)).map((p) => p.name).sort(), ['app false', 'app true', 'app undefined'])
})

test('what only the owner may do is refused', async () => {
  const who = await signUp(pds)
  for (const privileged of [false, true]) {
    const made = fine(await make(who.accessJwt, { name: `app ${privileged}`, privileged }))
    const { accessJwt: token } = fine(await logIn(pds, who.handle, made.password))
    const post = (method, body) => procedure(pds, S + method, body, { token })
    const answers = {
      createAppPassword: await post('createAppPassword', { name: 'another' }),
      getAccountInviteCodes: await query(pds, `${S}getAccountInviteCodes`, { token }),
      requestAccountDelete: await post('requestAccountDelete'),
      requestEmailUpdate: await post('requestEmailUpdate'),
      updateEmail: await post('updateEmail', { email: person().email }),
      deactivateAccount: await post('deactivateAccount', {}),
      activateAccount: await post('activateAccount'),
    }
    for (const [method, answer] of Object.entries(answers)) {
      assert.deepEqual([answer.status, answer.body?.error, answer.body?.message], [400, 'InvalidToken', 'Bad token scope'], `${method}: ${answer.text}`)
    }
  }
  assert.deepEqual((await list(who.accessJwt)).length, 2)
})

test('nor may it look after other app passwords or the e-mail address', roostOnly('the reference lets it'), async () => {
  const who = await signUp(pds)
  const made = fine(await make(who.accessJwt, { name: 'app', privileged: true }))
  const { accessJwt: token } = fine(await logIn(pds, who.handle, made.password))
  const answers = {
    listAppPasswords: await query(pds, `${S}listAppPasswords`, { token }),
    revokeAppPassword: await procedure(pds, `${S}revokeAppPassword`, { name: 'other' }, { token }),
    requestEmailConfirmation: await procedure(pds, `${S}requestEmailConfirmation`, undefined, { token }),
    confirmEmail: await procedure(pds, `${S}confirmEmail`, { email: who.email, token: 'AAAAA-AAAAA' }, { token }),
  }
  const told = Object.entries(answers).map(([method, { status, body }]) => `${method}: ${status} ${body?.error ?? ''} ${body?.message ?? ''}`)
  assert.deepEqual(told, Object.keys(answers).map((method) => `${method}: 400 InvalidToken Bad token scope`))
})

test('methods of PLC and of the account are closed to it', roostOnly('the password it takes is the account’s own'), async () => {
  const who = await signUp(pds)
  const made = fine(await make(who.accessJwt, { name: 'app', privileged: true }))
  refused(
    await procedure(pds, `${S}deleteAccount`, { did: who.did, password: made.password, token: 'AAAAA-AAAAA' }),
    401,
    'AuthenticationRequired',
  )
})

test('a name is used once', roostOnly('the reference lets its database’s refusal through as a 500'), async () => {
  const who = await signUp(pds)
  const first = fine(await make(who.accessJwt, { name: 'app' }))
  refused(await make(who.accessJwt, { name: 'app' }), 400, 'InvalidRequest')
  fine(await logIn(pds, who.handle, first.password))
  fine(await procedure(pds, `${S}revokeAppPassword`, { name: 'app' }, { token: who.accessJwt }))
  fine(await make(who.accessJwt, { name: 'app' }))
  const neighbour = await signUp(pds)
  fine(await make(neighbour.accessJwt, { name: 'app' }))
})

test('a password of one account opens no other', async () => {
  const [one, two] = [await signUp(pds), await signUp(pds)]
  const made = fine(await make(one.accessJwt, { name: 'app' }))
  refused(await logIn(pds, two.handle, made.password), 401, 'AuthenticationRequired', 'Invalid identifier or password')
  refused(await logIn(pds, one.handle, made.password.slice(0, -1)), 401, 'AuthenticationRequired')
})

test('bad input', async () => {
  const who = await signUp(pds)
  refused(await make(who.accessJwt, {}), 400, 'InvalidRequest')
  refused(await make(who.accessJwt, { name: 7 }), 400, 'InvalidRequest')
  refused(await make(who.accessJwt, { name: 'x', privileged: 'yes' }), 400, 'InvalidRequest')
  refused(await make(undefined, { name: 'x' }), 401, 'AuthMissing')
  fine(await procedure(pds, `${S}revokeAppPassword`, { name: `never was ${rnd()}` }, { token: who.accessJwt }))
  const odd = `'; DROP TABLE app_password; -- \u{1F426}`
  fine(await make(who.accessJwt, { name: odd }))
  assert.equal((await list(who.accessJwt))[0].name, odd)
})
