// Everything that goes by mail: resetting a password, confirming and changing the address, the second
// factor; what the codes are worth and for how long; and a mail server that fails.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fine, procedure, query, refused } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { sleep } from './lib/net.mjs'
import { logIn, person, rnd, signUp, whoAmI } from './lib/people.mjs'
import { secret } from './lib/secrets.mjs'
import { clock } from './lib/server.mjs'
import { startSmtp } from './lib/smtp.mjs'
import { foreign, roostOnly } from './lib/where.mjs'

const { pds, smtp, another } = await house()
const S = 'com.atproto.server.'
const post = (who, method, body, at = pds) => procedure(at, S + method, body, { token: who?.accessJwt })
const newPassword = () => secret(`another horse ${rnd(6)}`, 'password')
const wrong = () => 'AAAAA-BBBBB'
const roostClock = foreign ? roostOnly('its own promise') : clock

test('the mail itself', async () => {
  const who = await signUp(pds)
  fine(await post(who, 'requestEmailConfirmation'))
  const mail = await smtp.mail(who.email)
  assert.deepEqual(mail.to, [who.email])
  assert.deepEqual(mail.headerTo, [who.email])
  assert.equal(mail.from, 'pds@example.com')
  assert.ok(mail.subject.length > 0)
  assert.equal(mail.tokens.length, 1)
  assert.match(mail.tokens[0], /^[A-Z2-7]{5}-[A-Z2-7]{5}$/)
  assert.ok(mail.html.includes(mail.tokens[0]))
})

test('resetting the password', async () => {
  const who = await signUp(pds)
  const password = newPassword()
  fine(await post(null, 'requestPasswordReset', { email: who.email.toUpperCase() }))
  const token = await smtp.token(who.email)
  assert.ok((await smtp.mail(who.email)).text.includes(who.handle))
  refused(await post(null, 'resetPassword', { token: wrong(), password }), 400, 'InvalidToken', 'Token is invalid')
  fine(await post(null, 'resetPassword', { token: token.toLowerCase(), password }))
  refused(await logIn(pds, who.handle, who.password), 401, 'AuthenticationRequired')
  fine(await logIn(pds, who.handle, password))
  refused(await post(null, 'resetPassword', { token, password: newPassword() }), 400, 'InvalidToken')
  fine(await logIn(pds, who.handle, password))
})

test('asking again replaces the code', async () => {
  const who = await signUp(pds)
  fine(await post(null, 'requestPasswordReset', { email: who.email }))
  const first = await smtp.token(who.email)
  fine(await post(null, 'requestPasswordReset', { email: who.email }))
  const second = await smtp.token(who.email, 2)
  assert.notEqual(first, second)
  refused(await post(null, 'resetPassword', { token: first, password: newPassword() }), 400, 'InvalidToken')
  fine(await post(null, 'resetPassword', { token: second, password: newPassword() }))
})

test('a bad new password does not cost the code', roostOnly('the name InvalidPassword'), async () => {
  const who = await signUp(pds)
  fine(await post(null, 'requestPasswordReset', { email: who.email }))
  const token = await smtp.token(who.email)
  for (const password of ['short', 'password1', 'x'.repeat(257)]) {
    refused(await post(null, 'resetPassword', { token, password }), 400, 'InvalidPassword')
  }
  fine(await post(null, 'resetPassword', { token, password: newPassword() }))
})

test('a reset is answered alike for addresses nobody has', roostOnly('the reference tells'), async () => {
  const who = await signUp(pds)
  const known = await post(null, 'requestPasswordReset', { email: who.email })
  const stranger = person()
  const unknown = await post(null, 'requestPasswordReset', { email: stranger.email })
  assert.deepEqual([known.status, known.text], [unknown.status, unknown.text])
  assert.equal(known.status, 200)
  await smtp.mail(who.email)
  assert.equal(smtp.to(stranger.email).length, 0)
})

test('confirming the address', async () => {
  const who = await signUp(pds)
  assert.equal(fine(await whoAmI(pds, who.accessJwt)).emailConfirmed, false)
  fine(await post(who, 'requestEmailConfirmation'))
  const token = await smtp.token(who.email)
  refused(await post(who, 'confirmEmail', { email: person().email, token }), 400, 'InvalidEmail')
  refused(await post(who, 'confirmEmail', { email: who.email, token: wrong() }), 400, 'InvalidToken')
  refused(await post(null, 'confirmEmail', { email: who.email, token }), 401, 'AuthMissing')
  fine(await post(who, 'confirmEmail', { email: who.email.toUpperCase(), token }))
  assert.equal(fine(await whoAmI(pds, who.accessJwt)).emailConfirmed, true)
  refused(await post(who, 'confirmEmail', { email: who.email, token }), 400, 'InvalidToken')
})

async function confirmed(at = pds) {
  const who = await signUp(at)
  fine(await post(who, 'requestEmailConfirmation', undefined, at))
  fine(await post(who, 'confirmEmail', { email: who.email, token: await smtp.token(who.email) }, at))
  return who
}

test('changing an address that is not confirmed needs no code', async () => {
  const who = await signUp(pds)
  assert.deepEqual(fine(await post(who, 'requestEmailUpdate')), { tokenRequired: false })
  const next = person().email
  fine(await post(who, 'updateEmail', { email: next.toUpperCase() }))
  const mine = fine(await whoAmI(pds, who.accessJwt))
  assert.deepEqual([mine.email, mine.emailConfirmed], [next, false])
  fine(await logIn(pds, next, who.password))
  refused(await logIn(pds, who.email, who.password), 401, 'AuthenticationRequired')
  assert.equal(smtp.to(who.email).length, 0)
})

test('changing a confirmed address needs a code sent to it', async () => {
  const who = await confirmed()
  assert.deepEqual(fine(await post(who, 'requestEmailUpdate')), { tokenRequired: true })
  const token = await smtp.token(who.email, 2)
  const email = person().email
  refused(await post(who, 'updateEmail', { email }), 400, 'TokenRequired')
  refused(await post(who, 'updateEmail', { email, token: wrong() }), 400, 'InvalidToken')
  fine(await post(who, 'updateEmail', { email, token }))
  const mine = fine(await whoAmI(pds, who.accessJwt))
  assert.deepEqual([mine.email, mine.emailConfirmed], [email, false])
})

test('a new address must be one, and nobody else’s', async () => {
  const [who, other] = [await signUp(pds), await signUp(pds)]
  refused(await post(who, 'updateEmail', { email: 'nobody' }), 400, 'InvalidRequest', 'This email address is not supported, please use a different email.')
  refused(await post(who, 'updateEmail', { email: 'a@b.example\r\nBcc: c@d.example' }), 400, 'InvalidRequest')
  refused(await post(who, 'updateEmail', { email: other.email }), 400, 'InvalidRequest', 'This email address is already in use, please use a different email.')
  refused(await post(who, 'updateEmail', {}), 400, 'InvalidRequest')
})

test('a change of address voids the codes sent to the old one', async () => {
  const who = await signUp(pds)
  fine(await post(null, 'requestPasswordReset', { email: who.email }))
  const token = await smtp.token(who.email)
  fine(await post(who, 'updateEmail', { email: person().email }))
  refused(await post(null, 'resetPassword', { token, password: newPassword() }), 400, 'InvalidToken')
})

test('a code is good for its purpose and its account only', async () => {
  const [who, other] = [await confirmed(), await signUp(pds)]
  fine(await post(who, 'requestEmailUpdate'))
  const update = await smtp.token(who.email, 2)
  fine(await post(other, 'requestEmailConfirmation'))
  const confirm = await smtp.token(other.email)
  refused(await post(null, 'resetPassword', { token: update, password: newPassword() }), 400, 'InvalidToken')
  refused(await post(null, 'deleteAccount', { did: who.did, password: who.password, token: update }), 400, 'InvalidToken')
  refused(await post(who, 'updateEmail', { email: person().email, token: confirm }), 400, 'InvalidToken')
  fine(await post(other, 'confirmEmail', { email: other.email, token: confirm }))
  fine(await post(who, 'updateEmail', { email: person().email, token: update }))
})

test('five wrong tries kill a code', roostOnly('the reference does not count'), async () => {
  const who = await signUp(pds)
  fine(await post(who, 'requestEmailConfirmation'))
  const token = await smtp.token(who.email)
  for (let i = 0; i < 5; i++) refused(await post(who, 'confirmEmail', { email: who.email, token: wrong() }), 400, 'InvalidToken')
  refused(await post(who, 'confirmEmail', { email: who.email, token }), 400, 'InvalidToken')
  fine(await post(who, 'requestEmailConfirmation'))
  fine(await post(who, 'confirmEmail', { email: who.email, token: await smtp.token(who.email, 2) }))
})

test('a code used ten times at once is used once', roostOnly('checked and used in one transaction'), async () => {
  const who = await signUp(pds)
  fine(await post(null, 'requestPasswordReset', { email: who.email }))
  const token = await smtp.token(who.email)
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => post(null, 'resetPassword', { token, password: newPassword() })),
  )
  assert.equal(answers.filter((answer) => answer.status === 200).length, 1)
  for (const answer of answers) if (answer.status !== 200) refused(answer, 400, 'InvalidToken')
})

test('codes last a quarter of an hour', clock, async () => {
  const late = await another()
  const [one, two] = [await signUp(late), await confirmed(late)]
  fine(await post(null, 'requestPasswordReset', { email: one.email }, late))
  fine(await post(one, 'requestEmailConfirmation', undefined, late))
  fine(await post(two, 'requestEmailUpdate', undefined, late))
  fine(await post(two, 'requestAccountDelete', undefined, late))
  const [reset, confirm] = [await smtp.token(one.email, 1), await smtp.token(one.email, 2)]
  const [update, erase] = [await smtp.token(two.email, 2), await smtp.token(two.email, 3)]
  await late.restart({ ahead: 15 * 60 + 5 })
  refused(await post(null, 'resetPassword', { token: reset, password: newPassword() }, late), 400, 'ExpiredToken', 'Token is expired')
  refused(await post(one, 'confirmEmail', { email: one.email, token: confirm }, late), 400, 'ExpiredToken')
  refused(await post(two, 'updateEmail', { email: person().email, token: update }, late), 400, 'ExpiredToken')
  refused(await post(null, 'deleteAccount', { did: two.did, password: two.password, token: erase }, late), 400, 'ExpiredToken')
  fine(await logIn(late, one.handle, one.password))
})

test('the second factor', roostOnly('the reference has none'), async () => {
  const who = await confirmed()
  assert.deepEqual(fine(await post(who, 'requestEmailUpdate')), { tokenRequired: true })
  const token = await smtp.token(who.email, 2)
  fine(await post(who, 'updateEmail', { email: who.email, emailAuthFactor: true, token }))
  assert.equal(fine(await whoAmI(pds, who.accessJwt)).emailAuthFactor, true)

  refused(await logIn(pds, who.handle, 'wrong password'), 401, 'AuthenticationRequired')
  assert.equal(smtp.to(who.email).length, 2)
  refused(await logIn(pds, who.handle, who.password), 401, 'AuthFactorTokenRequired')
  const factor = await smtp.token(who.email, 3)
  const bad = await logIn(pds, who.handle, who.password, { authFactorToken: wrong() })
  assert.equal(bad.body.error, 'InvalidToken')
  assert.match(bad.body.message, /Token is invalid/)
  const session = fine(await logIn(pds, who.handle, who.password, { authFactorToken: factor }))
  assert.equal(session.emailAuthFactor, true)
  assert.equal(session.did, who.did)
  const twice = await logIn(pds, who.handle, who.password, { authFactorToken: factor })
  assert.notEqual(twice.status, 200)

  const app = fine(await post(session, 'createAppPassword', { name: 'app' }))
  fine(await logIn(pds, who.handle, app.password))
})

test('without a mail server, what needs mail says so', roostOnly('the reference pretends'), async () => {
  const mute = await another({ mail: false })
  const who = await signUp(mute)
  for (const [method, body] of [
    ['requestPasswordReset', { email: who.email }],
    ['requestPasswordReset', { email: person().email }],
    ['requestEmailConfirmation', undefined],
    ['requestAccountDelete', undefined],
  ]) {
    refused(await post(who, method, body, mute), 501, 'MailUnavailable')
  }
  assert.deepEqual(fine(await post(who, 'requestEmailUpdate', undefined, mute)), { tokenRequired: false })
  fine(await post(who, 'updateEmail', { email: person().email }, mute))
  fine(await query(mute, `${S}getSession`, { token: who.accessJwt }))
})

for (const [mode, what] of [['refuse', 'nothing listens'], ['reject', 'it rejects for now'], ['hang', 'it says nothing']]) {
  test(`a mail server that fails (${what}): nobody waits, and the mail comes later`, roostClock, async () => {
    const smtp = await startSmtp()
    try {
      const pds = await another({ smtp })
      const who = await signUp(pds)
      await smtp.set(mode)
      const start = performance.now()
      fine(await post(null, 'requestPasswordReset', { email: who.email }, pds))
      assert.ok(performance.now() - start < 5000, 'the answer does not wait for the mail server')
      fine(await whoAmI(pds, who.accessJwt))
      await sleep(300)
      assert.equal(smtp.to(who.email).length, 0)
      await pds.stop()
      await smtp.set('pass')
      await pds.restart({ ahead: 5 * 60 }) // the queue outlives the process; the next try is due
      const token = await smtp.token(who.email)
      fine(await post(null, 'resetPassword', { token, password: newPassword() }, pds))
      assert.equal(smtp.to(who.email).length, 1)
    } finally {
      await smtp.close()
    }
  })
}

test('a mail that waits is sent once the mail server is back', roostOnly('the reference gives up'), async () => {
  const smtp = await startSmtp()
  try {
    const pds = await another({ smtp })
    const who = await signUp(pds)
    await smtp.set('refuse')
    fine(await post(who, 'requestEmailConfirmation', undefined, pds))
    await sleep(500)
    await smtp.set('pass')
    fine(await post(who, 'confirmEmail', { email: who.email, token: await smtp.token(who.email, 1, 60_000) }, pds))
  } finally {
    await smtp.close()
  }
})
