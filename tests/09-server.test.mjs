// The server as such: what it says of itself, how it speaks HTTP and XRPC, its limits, its end.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import net from 'node:net'
import os from 'node:os'
import { test } from 'node:test'
import { deflateSync, gzipSync } from 'node:zlib'
import { basic, fine, procedure, query, raw, refused } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { freePort, sleep } from './lib/net.mjs'
import { logIn, person, signUp, whoAmI } from './lib/people.mjs'
import { command, foreign, roostOnly } from './lib/where.mjs'

const { pds, another } = await house()
const S = 'com.atproto.server.'
const who = await signUp(pds)
const login = JSON.stringify({ identifier: who.handle, password: who.password })
const JSON_TYPE = { 'content-type': 'application/json' }
const post = (body, headers = {}) => procedure(pds, `${S}createSession`, body, { headers: { ...JSON_TYPE, ...headers } })

test('describeServer', async () => {
  const got = fine(await query(pds, `${S}describeServer`))
  assert.equal(got.did, 'did:web:localhost')
  assert.deepEqual(got.availableUserDomains, ['.test'])
  assert.equal(got.inviteCodeRequired, false)
  assert.deepEqual(got.links, {})
  assert.deepEqual(got.contact, {})
  const dressed = await another({
    env: {
      PDS_PRIVACY_POLICY_URL: 'https://a.example/privacy',
      PDS_TERMS_OF_SERVICE_URL: 'https://a.example/terms',
      PDS_CONTACT_EMAIL_ADDRESS: 'hello@a.example',
      PDS_SERVICE_HANDLE_DOMAINS: '.test,.a.example',
      PDS_INVITE_REQUIRED: 'true',
      PDS_VERSION: '7.8.9',
    },
  })
  const more = fine(await query(dressed, `${S}describeServer`))
  assert.deepEqual(more.links, { privacyPolicy: 'https://a.example/privacy', termsOfService: 'https://a.example/terms' })
  assert.deepEqual(more.contact, { email: 'hello@a.example' })
  assert.deepEqual(more.availableUserDomains, ['.test', '.a.example'])
  assert.equal(more.inviteCodeRequired, true)
  assert.equal((await raw(dressed, { path: '/xrpc/_health' })).body.version, '7.8.9')
})

test('the pages for people and robots', async () => {
  const health = await raw(pds, { path: '/xrpc/_health' })
  assert.equal(health.status, 200)
  assert.match(health.headers['content-type'], /^application\/json/)
  assert.equal(typeof health.body.version, 'string')
  const home = await raw(pds, { path: '/' })
  assert.equal(home.status, 200)
  assert.match(home.headers['content-type'], /^text\/plain/)
  assert.match(home.text, /AT Protocol/)
  const robots = await raw(pds, { path: '/robots.txt' })
  assert.equal(robots.status, 200)
  assert.match(robots.headers['content-type'], /^text\/plain/)
  assert.match(robots.text, /User-agent: \*/)
  assert.equal((await raw(pds, { path: '/nothing-here' })).status, 404)
})

test('HEAD is GET without the body', async () => {
  for (const path of ['/', '/xrpc/_health', `/xrpc/${S}describeServer`]) {
    const [get, head] = [await raw(pds, { path }), await raw(pds, { method: 'HEAD', path })]
    assert.equal(head.status, get.status)
    assert.equal(head.text, '')
    assert.equal(head.headers['content-type'], get.headers['content-type'])
    assert.equal(Number(head.headers['content-length']), Buffer.byteLength(get.text))
  }
})

test('CORS', async () => {
  const paths = [`/xrpc/${S}describeServer`, '/xrpc/com.example.unknown', `/xrpc/${S}getSession`, '/xrpc/_health']
  for (const path of paths) {
    const answer = await raw(pds, { path, headers: { origin: 'https://app.example' } })
    assert.equal(answer.headers['access-control-allow-origin'], '*', path)
  }
  const flight = await raw(pds, {
    method: 'OPTIONS',
    path: `/xrpc/${S}createSession`,
    headers: {
      origin: 'https://app.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,x-own',
    },
  })
  assert.equal(flight.status, 204)
  assert.equal(flight.text, '')
  assert.equal(flight.headers['access-control-allow-origin'], '*')
  assert.equal(flight.headers['access-control-allow-headers'], 'authorization,content-type,x-own')
  assert.equal(flight.headers['access-control-max-age'], '86400')
  const methods = flight.headers['access-control-allow-methods'].split(',').map((m) => m.trim())
  for (const method of ['GET', 'HEAD', 'POST']) assert.ok(methods.includes(method), method)
})

test('methods: wrong ones and unknown ones', roostOnly('the reference answers 400 to all'), async () => {
  refused(await query(pds, `${S}createSession`), 405, 'InvalidRequest', 'Incorrect HTTP method (GET) expected POST')
  refused(await procedure(pds, `${S}describeServer`), 405, 'InvalidRequest', 'Incorrect HTTP method (POST) expected GET')
  for (const method of ['PUT', 'DELETE', 'PATCH']) {
    refused(await raw(pds, { method, path: `/xrpc/${S}describeServer` }), 405, 'InvalidRequest')
  }
  refused(await query(pds, 'com.example.nothing.here'), 501, 'MethodNotImplemented', 'Method Not Implemented')
  refused(await procedure(pds, 'com.example.nothing.here', {}), 501, 'MethodNotImplemented')
})

test('paths that are no method', async () => {
  for (const path of ['/xrpc/', `/xrpc/${S}createSession/more`]) refused(await raw(pds, { path }), 400, 'InvalidRequest', 'invalid xrpc path')
})

test('P11: no path leads out of what is served', async () => {
  const ups = ['/../../../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '/..%2f..%2fetc%2fpasswd', '//etc/passwd', '/./etc/passwd',
    '/xrpc/../../etc/passwd', '/.well-known/../secrets.json', '/secrets.json', '/master.key', '/roost.sqlite', '/dev/mail/../../master.key']
  for (const path of ups) {
    const answer = await raw(pds, { path })
    assert.ok([400, 404].includes(answer.status), `${path}: ${answer.status}`)
    assert.doesNotMatch(answer.text, /root:|PDS_|SQLite/)
  }
  for (const did of ['did:plc:../../../etc/passwd', '../../etc/passwd', 'did:web:..%2f..%2fetc', `${who.did}/../x`, `${who.did}\0`]) {
    assert.equal((await query(pds, 'com.atproto.sync.getRepo', { query: { did } })).status, 400, did)
  }
})

test('parameters are checked by the lexicon', async () => {
  const resolve = (q) => query(pds, 'com.atproto.identity.resolveHandle', { query: q })
  assert.equal(fine(await resolve({ handle: who.handle })).did, who.did)
  assert.equal(fine(await resolve({ handle: who.handle, unknown: 'ignored' })).did, who.did)
  refused(await resolve({}), 400, 'InvalidRequest')
  refused(await resolve({ handle: 'x y' }), 400, 'InvalidRequest')
  refused(await resolve({ handle: [who.handle, 'b.test'] }), 400, 'InvalidRequest')
  refused(await resolve({ handle: person().handle }), 400, 'HandleNotFound', 'Unable to resolve handle')
  const list = (q) => query(pds, 'com.atproto.admin.getInviteCodes', { query: q, headers: basic(pds.adminPassword) })
  for (const limit of ['abc', '0', '501', '-1', '1.5', '٣', '99999999999999999999']) {
    refused(await list({ limit }), 400, 'InvalidRequest')
  }
  if (!foreign) for (const limit of ['1e2', '0x10', ' 5', '+5']) assert.equal((await list({ limit })).status, 400, `limit=${limit}`)
  fine(await list({ limit: 500 }))
})

test('bodies: what is taken', async () => {
  fine(await post(login))
  fine(await post(login, { 'content-type': 'application/json; charset=utf-8' }))
  if (!foreign) fine(await post(login, { 'content-type': 'Application/JSON' })) // RFC 9110: no case
  fine(await post(gzipSync(login), { 'content-encoding': 'gzip' }))
  fine(await post(deflateSync(login), { 'content-encoding': 'deflate' }))
  fine(await post(login.replace('{', '{"more":[1,{"a":null}],')))
  const chunked = await fetch(`${pds.url}/xrpc/${S}createSession`, {
    method: 'POST',
    headers: JSON_TYPE,
    duplex: 'half',
    body: new ReadableStream({
      async start(out) {
        for (const piece of [login.slice(0, 5), login.slice(5, 9), login.slice(9)]) {
          out.enqueue(new TextEncoder().encode(piece))
          await sleep(20)
        }
        out.close()
      },
    }),
  })
  assert.equal(chunked.status, 200)
})

test('bodies: what is refused', async () => {
  refused(await post(login, { 'content-type': 'text/plain' }), 400, 'InvalidRequest', 'Wrong request encoding (Content-Type): text/plain')
  const path = `/xrpc/${S}createSession`
  const untyped = await raw(pds, { method: 'POST', path, headers: { 'content-length': login.length }, body: login })
  refused(untyped, 400, 'InvalidRequest', 'Request encoding (Content-Type) required but not provided')
  refused(await raw(pds, { method: 'POST', path }), 400, 'InvalidRequest')
  for (const text of ['[]', '{}', '{"identifier":1,"password":"x"}', '{"identifier":"a","password":null}']) {
    refused(await post(text), 400, 'InvalidRequest')
  }
  refused(await procedure(pds, `${S}refreshSession`, { a: 1 }, { token: who.refreshJwt }), 400, 'InvalidRequest', 'A request body was provided when none was expected')
  const deep = `{"identifier":"a","password":"b","x":${'['.repeat(20_000)}${']'.repeat(20_000)}}`
  refused(await post(deep), 400, 'InvalidRequest')
})

test('bodies: JSON that is none', roostOnly('the reference names it SyntaxError, or takes it'), async () => {
  const bad = ['{"identifier":', 'null', '', '{"identifier":"a","password":"b"} x', '{"identifier":"a","password":NaN}',
    '{"identifier":"a",}', "{'identifier':'a'}", '{"identifier":"a","password":"\\ud800"}', '\ufeff{}',
    '{"identifier":"a","password":"b","x":1e400}', '{"identifier":"a\tb","password":"b"}']
  for (const text of bad) refused(await post(text), 400, 'InvalidRequest')
  refused(await post(Buffer.from([...Buffer.from('{"identifier":"'), 0xff, ...Buffer.from('","password":"b"}')])), 400, 'InvalidRequest')
  refused(await post(Buffer.from('no gzip'), { 'content-encoding': 'gzip' }), 400, 'InvalidRequest')
  const cut = gzipSync(login)
  refused(await post(cut.subarray(0, cut.length - 6), { 'content-encoding': 'gzip' }), 400, 'InvalidRequest')
})

test('bodies: too large, before and after inflation', async () => {
  const large = foreign ? 'PayloadTooLargeError' : 'PayloadTooLarge'
  const media = foreign ? 'UnsupportedMediaTypeError' : 'UnsupportedMediaType'
  refused(await post(`{"identifier":"a","password":"${'x'.repeat(200_000)}"}`), 413, large)
  refused(await post(gzipSync(Buffer.alloc(50_000_000, 32)), { 'content-encoding': 'gzip' }), 413, large)
  refused(await post(gzipSync(gzipSync(login)), { 'content-encoding': 'gzip, gzip' }), 415, media)
  refused(await post(gzipSync(login), { 'content-encoding': 'compress' }), 415, media)
})

/**
 * Writes bytes to a fresh connection and reads until that many answers are there or the server closes
 * it. `afterContinue` is written once the server has answered 100.
 */
function talk(bytes, answers = 1, afterContinue = undefined) {
  return new Promise((resolve, reject) => {
    let got = ''
    const socket = net.connect(pds.port, '127.0.0.1', () => socket.write(bytes))
    const late = setTimeout(() => socket.destroy(), 5000)
    socket.on('data', (piece) => {
      got += piece
      if (afterContinue && got.startsWith('HTTP/1.1 100 ')) {
        socket.write(afterContinue)
        afterContinue = undefined
      }
      const finals = got.match(/HTTP\/1\.1 (?!100)\d\d\d/g) ?? []
      if (finals.length >= answers && got.endsWith('}')) socket.destroy()
    })
    socket.on('error', reject)
    socket.on('close', () => {
      clearTimeout(late)
      resolve(got)
    })
  })
}
const statuses = (got) => (got.match(/HTTP\/1\.1 \d\d\d/g) ?? []).map((line) => Number(line.slice(9)))
const head = (method, path, ...more) => [`${method} ${path} HTTP/1.1`, 'Host: localhost', ...more, '', ''].join('\r\n')

test('pipelined requests are answered in order', async () => {
  const got = await talk(head('GET', '/xrpc/_health') + head('GET', `/xrpc/${S}getSession`) + head('GET', '/xrpc/_health'), 3)
  assert.deepEqual(statuses(got), [200, 401, 200])
})

test('Expect: 100-continue', async () => {
  const typed = ['Content-Type: application/json', `Content-Length: ${login.length}`, 'Expect: 100-continue']
  const got = await talk(head('POST', `/xrpc/${S}createSession`, ...typed), 1, login)
  assert.deepEqual(statuses(got), [100, 200])
})

test('requests that two parsers could read differently end the connection', async () => {
  const body = 'Content-Type: application/json'
  const bad = {
    'both lengths': head('POST', '/xrpc/_health', body, 'Content-Length: 5', 'Transfer-Encoding: chunked') + '0\r\n\r\n',
    'two lengths': head('POST', '/xrpc/_health', body, 'Content-Length: 5', 'Content-Length: 6') + 'hello',
    'a signed length': head('POST', '/xrpc/_health', body, 'Content-Length: +5') + 'hello',
    'an endless length': head('POST', '/xrpc/_health', body, 'Content-Length: 99999999999999999999') + 'hello',
    'a space before the colon': head('GET', '/xrpc/_health', 'X-Own : 1'),
    'nonsense': 'nonsense\r\n\r\n',
  }
  for (const [what, bytes] of Object.entries(bad)) {
    const got = statuses(await talk(bytes + head('GET', '/xrpc/_health'), 2))
    assert.deepEqual(got, [400], what)
  }
})

test('.well-known/atproto-did, by the Host header', async () => {
  const ask = (host) => raw(pds, { path: '/.well-known/atproto-did', headers: { host } })
  for (const host of [who.handle, `${who.handle}:${pds.port}`]) {
    const answer = await ask(host)
    assert.equal(answer.status, 200)
    assert.match(answer.headers['content-type'], /^text\/plain/)
    assert.equal(answer.text, who.did)
  }
  if (!foreign) assert.equal((await ask(who.handle.toUpperCase())).text, who.did)
  for (const host of ['nobody-has-this.test', 'localhost', 'example.com', 'x y', `x.${who.handle}`]) {
    const answer = await ask(host)
    assert.ok([400, 404].includes(answer.status), `${host}: ${answer.status}`)
  }
})

// --- rate limits ----------------------------------------------------------------------------------

const guess = (pds, headers) => procedure(pds, `${S}resetPassword`, { token: 'AAAAA-BBBBB', password: 'a fine password' }, { headers })
const from = (address) => ({ 'x-forwarded-for': address })

test('rate limits: headers, the end of them, and who may pass', async () => {
  const pds = await another({ env: { PDS_RATE_LIMITS_ENABLED: 'true', PDS_RATE_LIMIT_BYPASS_KEY: 'let me pass' } })
  const open = await query(pds, `${S}describeServer`)
  assert.equal(open.headers.get('ratelimit-limit'), '3000')
  assert.equal(open.headers.get('ratelimit-policy'), '3000;w=300')
  assert.ok(Number(open.headers.get('ratelimit-remaining')) < 3000)

  const first = await guess(pds, from('192.0.2.1'))
  refused(first, 400, 'InvalidToken')
  assert.equal(first.headers.get('ratelimit-limit'), '50')
  assert.equal(first.headers.get('ratelimit-remaining'), '49')
  assert.equal(first.headers.get('ratelimit-policy'), '50;w=300')
  assert.ok(Math.abs(Number(first.headers.get('ratelimit-reset')) - Date.now() / 1000 - 300) < 15)
  assert.match(first.headers.get('access-control-expose-headers'), /RateLimit-Limit/i)
  for (let i = 1; i < 50; i++) refused(await guess(pds, from('192.0.2.1')), 400, 'InvalidToken')

  const over = await guess(pds, from('192.0.2.1'))
  refused(over, 429, 'RateLimitExceeded', 'Rate Limit Exceeded')
  assert.equal(over.headers.get('ratelimit-remaining'), '0')
  assert.ok(Number(over.headers.get('retry-after')) > 0)
  refused(await guess(pds, from('192.0.2.2')), 400, 'InvalidToken')
  const passed = await guess(pds, { ...from('192.0.2.1'), 'x-ratelimit-bypass': 'let me pass' })
  refused(passed, 400, 'InvalidToken')
  refused(await guess(pds, { ...from('192.0.2.1'), 'x-ratelimit-bypass': 'please' }), 429, 'RateLimitExceeded')
})

test('rate limits: thirty log-ins for one name', async () => {
  const pds = await another({ env: { PDS_RATE_LIMITS_ENABLED: 'true' } })
  const who = await signUp(pds)
  const first = await logIn(pds, who.handle, 'wrong password')
  refused(first, 401, 'AuthenticationRequired')
  assert.equal(first.headers.get('ratelimit-policy'), '30;w=300')
  assert.equal(first.headers.get('ratelimit-remaining'), '29')
  for (let i = 1; i < 30; i++) {
    const answer = await logIn(pds, who.handle, 'wrong password')
    assert.ok([401, 429].includes(answer.status), answer.text) // 429: a busy server made us ask twice
  }
  refused(await logIn(pds, who.handle, who.password), 429, 'RateLimitExceeded')
  const other = await signUp(pds)
  fine(await logIn(pds, other.handle, other.password))
})

test('rate limits: addresses that are never limited', async () => {
  const pds = await another({ env: { PDS_RATE_LIMITS_ENABLED: 'true', PDS_RATE_LIMIT_BYPASS_IPS: '192.0.2.7' } })
  for (let i = 0; i < 52; i++) refused(await guess(pds, from('192.0.2.7')), 400, 'InvalidToken')
})

test('X-Forwarded-For is believed from configured proxies only', roostOnly('its own setting'), async () => {
  const pds = await another({ env: { PDS_RATE_LIMITS_ENABLED: 'true', ROOST_TRUSTED_PROXIES: '10.0.0.0/8' } })
  for (let i = 0; i < 50; i++) refused(await guess(pds, from(`192.0.2.${i}`)), 400, 'InvalidToken')
  refused(await guess(pds, from('192.0.2.99')), 429, 'RateLimitExceeded')
})

test('one IPv6 network is one address', roostOnly('the reference counts each address'), async () => {
  const pds = await another({ env: { PDS_RATE_LIMITS_ENABLED: 'true' } })
  for (let i = 0; i < 50; i++) refused(await guess(pds, from(`2001:db8:1:2::${i.toString(16)}`)), 400, 'InvalidToken')
  refused(await guess(pds, from('2001:db8:1:2:ffff::1')), 429, 'RateLimitExceeded')
  refused(await guess(pds, from('2001:db8:1:3::1')), 400, 'InvalidToken')
})

// --- the process ----------------------------------------------------------------------------------

test('SIGTERM under load: every answer is whole, and it is gone within five seconds', roostOnly('exit status'), async () => {
  const pds = await another()
  const who = await signUp(pds)
  let stopping = false
  const seen = { answered: 0, refusedAfter: 0 }
  const load = Array.from({ length: 12 }, async (_, i) => {
    for (let n = 0; n < 5000; n++) {
      try {
        const answer = i < 3 ? await logIn(pds, who.handle, who.password) : await whoAmI(pds, who.accessJwt)
        assert.ok([200, 503].includes(answer.status), answer.text)
        assert.ok(answer.body, 'a whole answer')
        seen.answered++
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error
        assert.ok(stopping, `before the signal: ${error.cause ?? error}`)
        seen.refusedAfter++
        return
      }
    }
  })
  await sleep(700)
  stopping = true
  const start = performance.now()
  pds.signal('SIGTERM')
  assert.deepEqual(await pds.exited, { code: 0, signal: null })
  const took = performance.now() - start
  await Promise.all(load)
  const starved = os.loadavg()[0] > 2 * os.cpus().length ? 5000 : 0 // others on this machine
  assert.ok(took < 5000 + starved, `${took} ms`)
  assert.ok(seen.answered > 0 && seen.refusedAfter > 0)
  await pds.restart()
  fine(await whoAmI(pds, who.accessJwt))
})

/** Runs the server's command with that environment until it ends (or is ended, after `ms`). */
const run = (env, ms = 15_000) =>
  new Promise((resolve, reject) => {
    let output = ''
    const child = spawn(command[0], command.slice(1), { env, stdio: ['ignore', 'pipe', 'pipe'] })
    const late = setTimeout(() => child.kill('SIGKILL'), ms)
    child.stdout.on('data', (piece) => (output += piece))
    child.stderr.on('data', (piece) => (output += piece))
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      clearTimeout(late)
      resolve({ code, signal, output })
    })
  })

test('a second server on the same data folder refuses to start', roostOnly('the reference has no lock'), async () => {
  const end = await run({ ...pds.environment(), PDS_PORT: String(await freePort()) })
  assert.equal(end.signal, null, 'it ended by itself')
  assert.notEqual(end.code, 0)
  assert.match(end.output, /in use|locked|lock/i)
  fine(await whoAmI(pds, who.accessJwt))
})

test('a wrong setting is named, and the exit status is 2', roostOnly('its own promise'), async () => {
  for (const [name, value] of [['PDS_PORT', 'eighty'], ['PDS_INVITE_REQUIRED', 'maybe'], ['PDS_DID_PLC_URL', 'nowhere']]) {
    const end = await run({ ...pds.environment(), PDS_PORT: String(await freePort()), [name]: value })
    assert.equal(end.code, 2, end.output)
    assert.match(end.output, new RegExp(name))
    assert.match(end.output, /expected/i)
  }
})
