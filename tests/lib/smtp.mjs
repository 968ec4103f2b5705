// A real SMTP server that keeps what it is given, and can fail on purpose.
import { SMTPServer } from 'smtp-server'
import { simpleParser } from 'mailparser'
import { freePort, until } from './net.mjs'
import { secret } from './secrets.mjs'

const TOKEN = /\b[A-Z2-7]{5}-[A-Z2-7]{5}\b/g

/**
 * `tls` is `none`, `starttls` (offered) or `implicit` (from the first byte), with a certificate of
 * certificate.mjs; `login` ({user, pass}) is asked of whoever sends, over TLS only.
 */
export async function startSmtp({ tls = 'none', certificate, login } = {}) {
  const port = await freePort()
  const mails = []
  const logins = []
  // `pass`; `reject`: 451 at the envelope; `hang`: silence after the greeting; `refuse`: nothing listens.
  let mode = 'pass'
  let server

  const make = () =>
    new SMTPServer({
      secure: tls === 'implicit',
      ...(certificate && { key: certificate.key, cert: certificate.certificate }),
      authOptional: !login,
      disabledCommands: [...(tls === 'starttls' ? [] : ['STARTTLS']), ...(login ? [] : ['AUTH'])],
      logger: false,
      onAuth(auth, session, done) {
        const right = auth.username === login.user && auth.password === login.pass
        logins.push({ right, secure: session.secure })
        if (right) done(null, { user: auth.username })
        else done(Object.assign(new Error('wrong login'), { responseCode: 535 }))
      },
      closeTimeout: 100,
      onMailFrom(_address, _session, done) {
        if (mode === 'hang') return
        if (mode === 'reject') return done(Object.assign(new Error('try later'), { responseCode: 451 }))
        done()
      },
      onData(stream, session, done) {
        simpleParser(stream).then((mail) => {
          const text = mail.text ?? ''
          const tokens = [...new Set(text.match(TOKEN) ?? [])]
          tokens.forEach((token) => secret(token, 'mail token'))
          mails.push({
            to: session.envelope.rcptTo.map((recipient) => recipient.address.toLowerCase()),
            from: mail.from?.value?.[0]?.address,
            headerTo: (mail.to?.value ?? []).map((x) => x.address),
            subject: mail.subject,
            text,
            html: mail.html || '',
            tokens,
            secure: session.secure,
            user: session.user,
            headers: mail.headerLines.map((line) => line.key),
          })
          done()
        }, done)
      },
    })
  const open = () => {
    server = make()
    server.on('error', () => {})
    return new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
  }
  const shut = () => new Promise((resolve) => server.close(resolve))
  await open()

  const to = (address) => mails.filter((mail) => mail.to.includes(address.toLowerCase()))
  return {
    url: `smtp://127.0.0.1:${port}`,
    port,
    login,
    logins,
    mails,
    to,
    /** The nth mail (from 1) to that address, waiting for it. */
    mail: (address, nth = 1, ms = 10_000) =>
      until(`mail ${nth} to ${address}`, () => to(address)[nth - 1], ms),
    /** The token in the nth mail to that address. */
    async token(address, nth = 1, ms = 10_000) {
      const mail = await this.mail(address, nth, ms)
      if (mail.tokens.length !== 1) throw new Error(`${mail.tokens.length} tokens in: ${mail.text}`)
      return mail.tokens[0]
    },
    async set(next) {
      if (mode !== 'refuse') await shut() // with every connection
      mode = next
      if (next !== 'refuse') await open()
    },
    async close() {
      if (mode !== 'refuse') await shut()
    },
  }
}
