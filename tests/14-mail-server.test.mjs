// The mail server asks for TLS and a login, refuses the login, has a certificate that nobody trusts; and
// addresses that would like to be more than an address.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { fine, procedure, refused } from './lib/ask.mjs'
import { selfSigned } from './lib/certificate.mjs'
import { house } from './lib/house.mjs'
import { until } from './lib/net.mjs'
import { person, rnd, signUp } from './lib/people.mjs'
import { secret } from './lib/secrets.mjs'
import { clock } from './lib/server.mjs'
import { startSmtp } from './lib/smtp.mjs'
import { foreign, roostOnly } from './lib/where.mjs'

const { pds, smtp, another } = await house()
const S = 'com.atproto.server.'
const own = roostOnly('its own promise')
const certificate = selfSigned()
after(() => certificate.remove())

const newLogin = () => ({ user: 'post@mail.example', pass: secret(`p@ss:w/r d%${rnd()}`, 'mail password') })
const reset = (pds, who) => procedure(pds, `${S}requestPasswordReset`, { email: who.email })
const urlOf = (smtp, scheme, options) => {
  const login = smtp.login ? `${encodeURIComponent(smtp.login.user)}:${encodeURIComponent(smtp.login.pass)}@` : ''
  return `${scheme}://${login}localhost:${smtp.port}${options}`
}

/** A mail server of that kind, and a PDS that sends through it; `test` ends both. */
async function between(t, { tls, login = newLogin(), scheme, options }) {
  const smtp = await startSmtp({ tls, certificate: tls === 'none' ? undefined : certificate, login })
  t.after(() => smtp.close())
  const pds = await another({ smtp: { url: urlOf(smtp, scheme, options) } })
  return { smtp, pds, who: await signUp(pds) }
}
const waiting = async (pds) => {
  const text = await (await fetch(`http://127.0.0.1:${pds.port + 1}/metrics`)).text()
  return Number(text.match(/^roost_mail_queue_length (\d+)/m)[1])
}
const postponed = (pds) =>
  until('the letter to be put off', () => pds.log().split('\n').find((line) => line.includes('will be tried again')), 30_000).then(JSON.parse)

for (const [tls, scheme, options] of [
  ['starttls', 'smtp', '?tls.rejectUnauthorized=false'],
  ['starttls', 'smtp', '?requireTLS=true&tls.rejectUnauthorized=false'],
  ['implicit', 'smtps', '?tls.rejectUnauthorized=false'],
]) {
  test(`a letter by ${scheme}://user:password@host${options} (${tls})`, own, async (t) => {
    const { smtp, pds, who } = await between(t, { tls, scheme, options })
    fine(await reset(pds, who))
    const mail = await smtp.mail(who.email, 1, 30_000)
    assert.deepEqual([mail.secure, mail.user, mail.to], [true, smtp.login.user, [who.email]])
    assert.deepEqual(smtp.logins, [{ right: true, secure: true }])
    fine(await procedure(pds, `${S}resetPassword`, { token: mail.tokens[0], password: secret(`a new horse ${rnd()}`, 'password') }))
  })
}

for (const [what, tls, scheme, options, reply] of [
  ['a certificate that nobody vouches for (STARTTLS)', 'starttls', 'smtp', '', undefined],
  ['a certificate that nobody vouches for (smtps)', 'implicit', 'smtps', '', undefined],
  ['a server without TLS, where TLS is demanded', 'none', 'smtp', '?requireTLS=true', undefined],
]) {
  test(`no letter and no password goes to ${what}`, own, async (t) => {
    const { smtp, pds, who } = await between(t, { tls, scheme, options })
    fine(await reset(pds, who))
    await postponed(pds)
    assert.deepEqual([smtp.mails, smtp.logins], [[], []])
    assert.equal(await waiting(pds), 1)
  })
}

test('a refused login costs no letter: it is sent once the login is right', foreign ? own : clock, async (t) => {
  const { smtp, pds, who } = await between(t, { tls: 'starttls', scheme: 'smtp', options: '?tls.rejectUnauthorized=false' })
  const right = smtp.login.pass
  smtp.login.pass = 'something else'
  fine(await reset(pds, who))
  const line = await postponed(pds)
  assert.deepEqual([line.level, line.kind, line.reply], ['warn', 'reset_password', 535])
  assert.equal(await waiting(pds), 1)
  assert.deepEqual(smtp.mails, [])
  assert.ok(smtp.logins.length >= 1 && smtp.logins.every((one) => !one.right && one.secure))
  smtp.login.pass = right
  await pds.restart({ ahead: 5 * 60 })
  const token = await smtp.token(who.email, 1, 30_000)
  fine(await procedure(pds, `${S}resetPassword`, { token, password: secret(`a new horse ${rnd()}`, 'password') }))
  await until('the queue to be empty', async () => (await waiting(pds)) === 0)
  assert.equal(smtp.mails.length, 1)
})

test('an address is one address: nothing in it becomes a header or a recipient', own, async () => {
  const who = await signUp(pds)
  const other = 'victim@mail.example'
  const ends = ['\r\nBcc: victim@mail.example', '\nBcc: victim@mail.example', '\rBcc: x', '\r\n\r\nhello', '\u0000', '\t', ' ',
    '\u2028', '\u0085', '>', '> RCPT TO:<victim@mail.example', ', victim@mail.example', ';victim@mail.example', '%0d%0aBcc:x', '"', '\u202e']
  const mails = smtp.mails.length
  for (const end of ends) {
    for (const email of [`${rnd()}@mail.example${end}`, `${rnd()}${end}@mail.example`]) {
      if (/^[0-9a-f]+%0d/.test(email)) continue // a percent sign is a fine character before the @
      const said = JSON.stringify(email)
      const made = await procedure(pds, `${S}createAccount`, { ...person(), email })
      assert.deepEqual([made.status, made.body.error], [400, 'InvalidRequest'], said)
      const updated = await procedure(pds, `${S}updateEmail`, { email }, { token: who.accessJwt })
      assert.deepEqual([updated.status, updated.body.error], [400, 'InvalidRequest'], said)
      fine(await procedure(pds, `${S}requestPasswordReset`, { email }))
      refused(await procedure(pds, `${S}confirmEmail`, { email, token: 'AAAAA-BBBBB' }, { token: who.accessJwt }), 400, 'InvalidEmail')
    }
  }
  for (const end of ['\r\nBcc: x@mail.example', '\n', '\u0000', ' ']) {
    refused(await procedure(pds, `${S}createAccount`, { ...person(), handle: `a${rnd()}${end}.test` }), 400, 'InvalidRequest')
  }
  fine(await reset(pds, who))
  const mail = await smtp.mail(who.email)
  assert.deepEqual(mail.to, [who.email])
  assert.ok(!mail.headers.includes('bcc') && !mail.headers.includes('cc'))
  assert.equal(smtp.mails.length, mails + 1)
  assert.deepEqual(smtp.to(other), [])
})
