// Methods that others answer: forwarded in the account's name, with nothing of the client but what is allowed, and
// with nothing of the other server but what is allowed.
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import { after, test } from 'node:test'
import zlib from 'node:zlib'
import { Secp256k1Keypair } from '@atproto/crypto'
import { verifyJwt } from '@atproto/xrpc-server'
import * as plcLib from '@did-plc/lib'
import { basic, fine, procedure, query, raw, refused } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { sleep } from './lib/net.mjs'
import { logIn, signUp, whoAmI } from './lib/people.mjs'
import { says, startUpstream } from './lib/upstream.mjs'
import { foreign, roostOnly } from './lib/where.mjs'

const APP_VIEW = 'did:web:appview.example'
const upstream = await startUpstream({ did: APP_VIEW })
const reports = await startUpstream({ did: 'did:web:reports.example' })
const moderation = await startUpstream({ did: 'did:web:mod.example' })
after(() => Promise.all([upstream, reports, moderation].map((one) => one.close())))
const env = {
  PDS_BSKY_APP_VIEW_URL: upstream.url,
  PDS_BSKY_APP_VIEW_DID: APP_VIEW,
  PDS_MOD_SERVICE_URL: moderation.url,
  PDS_MOD_SERVICE_DID: moderation.did,
  PDS_REPORT_SERVICE_URL: reports.url,
  PDS_REPORT_SERVICE_DID: reports.did,
  PDS_PROXY_HEADERS_TIMEOUT: '1500',
  PDS_PROXY_BODY_TIMEOUT: '1500',
  PDS_PROXY_MAX_RESPONSE_SIZE: String(3 * 1024 * 1024),
}
const { pds, plc, another } = await house({ env, mail: false })
const keyOf = async (did) => (await plc.client.getDocumentData(did)).verificationMethods.atproto
const tokenOf = (call) => call.headers.authorization.replace(/^Bearer /, '')
const someone = await signUp(pds)
const get = (method, more = {}) => query(pds, method, { token: someone.accessJwt, ...more })
const post = (method, body, more = {}) => procedure(pds, method, body, { token: someone.accessJwt, ...more })

/** A DID whose document names a service, #atproto_pds, at that endpoint. */
async function plcIdentity(endpoint) {
  const key = await Secp256k1Keypair.create()
  const { did, op } = await plcLib.createOp({ signingKey: key.did(), rotationKeys: [key.did()], handle: 'thing.test', pds: endpoint, signer: key })
  await plc.client.sendOperation(did, op)
  return { did }
}

test('a query goes to the AppView, in the account’s name', async () => {
  upstream.answers['app.bsky.graph.getFollows'] = says({ follows: [] })
  const answer = await get('app.bsky.graph.getFollows', { query: { actor: someone.did, limit: 7 } })
  assert.deepEqual(fine(answer), { follows: [] })
  const call = upstream.last()
  assert.equal(call.method, 'GET')
  assert.equal(call.url, `/xrpc/app.bsky.graph.getFollows?${new URLSearchParams({ actor: someone.did, limit: '7' })}`)
  const payload = await verifyJwt(tokenOf(call), APP_VIEW, 'app.bsky.graph.getFollows', keyOf)
  assert.equal(payload.iss, someone.did)
  assert.ok(payload.exp - Date.now() / 1000 <= 60)
})

test('a procedure goes with its body', async () => {
  upstream.answers['app.bsky.graph.muteActor'] = says({ done: true })
  assert.deepEqual(fine(await post('app.bsky.graph.muteActor', { actor: 'did:plc:x' })), { done: true })
  const call = upstream.last()
  assert.deepEqual([call.method, call.body.toString()], ['POST', '{"actor":"did:plc:x"}'])
  assert.equal(call.headers['content-type'], 'application/json')
  await verifyJwt(tokenOf(call), APP_VIEW, 'app.bsky.graph.muteActor', keyOf)
})

test('the header names another service', async () => {
  const other = await signUp(pds)
  const headers = { 'atproto-proxy': `${APP_VIEW}#bsky_appview` }
  fine(await query(pds, 'com.example.anything', { token: other.accessJwt, headers }))
  await verifyJwt(tokenOf(upstream.last()), APP_VIEW, 'com.example.anything', keyOf)
})

// ---- What goes over, and what comes back

test('only allowed headers of the request go over', async () => {
  fine(
    await get('app.bsky.graph.getFollows', {
      headers: {
        'accept-language': 'de, en;q=0.5',
        'atproto-accept-labelers': 'did:plc:ar7c4by46qjdydhdevvrndac;redact',
        'x-bsky-topics': 'gardening',
        'accept-encoding': 'br, gzip',
        cookie: 'session=secret',
        'x-forwarded-for': '203.0.113.9',
        'x-secret': 'mine',
        origin: 'https://app.example',
        referer: 'https://app.example/page',
        'user-agent': 'mine/1.0',
      },
    }),
  )
  const { authorization, host, ...rest } = upstream.last().headers
  assert.notEqual(authorization, `Bearer ${someone.accessJwt}`)
  assert.equal(host, `127.0.0.1:${upstream.port}`)
  assert.deepEqual(rest, {
    'accept-language': 'de, en;q=0.5',
    'atproto-accept-labelers': 'did:plc:ar7c4by46qjdydhdevvrndac;redact',
    'x-bsky-topics': 'gardening',
    'accept-encoding': 'br, gzip',
  })
})

test('only allowed headers of the answer come back', async () => {
  upstream.answers['app.bsky.graph.getBlocks'] = says({ blocks: [] }, {
    'set-cookie': 'a=b',
    'access-control-allow-origin': 'https://evil.example',
    'access-control-allow-credentials': 'true',
    'content-security-policy': 'default-src *',
    'strict-transport-security': 'max-age=1',
    location: 'https://evil.example/',
    'x-powered-by': 'them',
    'www-authenticate': 'Basic',
    'atproto-repo-rev': '3jzfcijpj2z2a',
    'atproto-content-labelers': 'did:plc:ar7c4by46qjdydhdevvrndac',
    'content-language': 'en',
    'retry-after': '7',
  })
  const answer = await get('app.bsky.graph.getBlocks')
  fine(answer)
  const named = Object.fromEntries(answer.headers)
  for (const name of ['date', 'connection', 'keep-alive', 'transfer-encoding']) delete named[name]
  assert.deepEqual(named, {
    'access-control-allow-origin': '*',
    'atproto-content-labelers': 'did:plc:ar7c4by46qjdydhdevvrndac',
    'atproto-repo-rev': '3jzfcijpj2z2a',
    'cache-control': 'private',
    'content-language': 'en',
    'content-type': 'application/json',
    'retry-after': '7',
    vary: 'Authorization',
  })
})

test('a compressed answer stays compressed', async () => {
  const packed = zlib.gzipSync(JSON.stringify({ packed: 'x'.repeat(50_000) }))
  upstream.answers['app.bsky.graph.getLists'] = { headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' }, body: packed }
  const answer = await get('app.bsky.graph.getLists')
  assert.equal(answer.headers.get('content-encoding'), 'gzip')
  assert.equal(fine(answer).packed.length, 50_000)
})

test('HEAD is forwarded as HEAD', async () => {
  const answer = await raw(pds, {
    method: 'HEAD',
    path: '/xrpc/app.bsky.graph.getFollows',
    headers: { authorization: `Bearer ${someone.accessJwt}` },
  })
  assert.deepEqual([answer.status, answer.text, upstream.last().method], [200, '', 'HEAD'])
})

test('other HTTP methods are not forwarded', async () => {
  const before = upstream.calls.length
  const answer = await raw(pds, { method: 'PUT', path: '/xrpc/app.bsky.graph.muteActor', headers: { authorization: `Bearer ${someone.accessJwt}` } })
  assert.equal(answer.body.error, 'InvalidRequest')
  assert.ok([400, 405].includes(answer.status))
  assert.equal(upstream.calls.length, before)
})

test('bodies of any size are streamed, both ways', roostOnly('its memory is measured'), async () => {
  const size = 64 * 1024 * 1024
  const piece = crypto.randomBytes(64 * 1024)
  const sent = crypto.createHash('sha256')
  for (let done = 0; done < size; done += piece.length) sent.update(piece)
  const expected = sent.digest('hex')
  let received
  upstream.answers['app.bsky.video.uploadVideo'] = async (request, response) => {
    const hash = crypto.createHash('sha256')
    for await (const one of request) hash.update(one)
    received = hash.digest('hex')
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}')
  }
  const memory = () => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pds.pid}/status`, 'utf8'))[1]) * 1024
  const before = memory()
  let most = 0
  for (const lengthIsKnown of [true, false]) {
    const answer = await new Promise((resolve, reject) => {
      const request = http.request(`${pds.url}/xrpc/app.bsky.video.uploadVideo?did=x`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${someone.accessJwt}`,
          'content-type': 'video/mp4',
          ...(lengthIsKnown && { 'content-length': size }),
        },
      })
      request.on('error', reject)
      request.on('response', (response) => {
        let text = ''
        response.on('data', (one) => (text += one)).on('end', () => resolve({ status: response.statusCode, text }))
      })
      const write = async () => {
        for (let done = 0; done < size; done += piece.length) {
          if (!request.write(piece)) await new Promise((drained) => request.once('drain', drained))
          if (done % (8 * 1024 * 1024) === 0) most = Math.max(most, memory())
        }
        request.end()
      }
      write().catch(reject)
    })
    assert.deepEqual(answer, { status: 200, text: '{"ok":true}' })
    const call = upstream.last()
    assert.equal(call.headers['content-type'], 'video/mp4')
    assert.equal(call.headers[lengthIsKnown ? 'content-length' : 'transfer-encoding'], lengthIsKnown ? String(size) : 'chunked')
    assert.equal(received, expected)
  }
  assert.ok(most - before < 24 * 1024 * 1024, `${most - before} bytes more memory`)
})

// ---- What is wrong over there (S2, S4)

const broken = {
  'an answer that never comes': [() => sleep(4000).then(() => says({})), 504, 'UpstreamTimeout'],
  'a connection that breaks': [(request, response, call) => request.socket.destroy(), 502, 'UpstreamFailure'],
  'no HTTP': [(request, response, call) => request.socket.end('SSH-2.0-OpenSSH_9.2\r\n'), 502, 'UpstreamFailure'],
  'an endless head': [
    (request, response, call) => {
      request.socket.write('HTTP/1.1 200 OK\r\n')
      const more = () => request.socket.writable && request.socket.write(`x-${crypto.randomUUID()}: ${'y'.repeat(1000)}\r\n`) && setImmediate(more)
      request.socket.on('error', () => {})
      more()
    },
    502,
    'UpstreamFailure',
  ],
  'a redirect': [says({}, { location: 'http://127.0.0.1:1/' }, 302), 502, 'UpstreamFailure'],
  'a redirect that keeps the method': [says({}, { location: 'http://169.254.169.254/latest' }, 307), 502, 'UpstreamFailure'],
  'a body that is announced as too large': [
    (request, response, call) => response.writeHead(200, { 'content-length': 50_000_000 }).write('x'),
    502,
    'UpstreamFailure',
  ],
  'an error of its own': [says({ error: 'InternalServerError', message: 'oops' }, {}, 500), 502, 'InternalServerError'],
  'an error that is a page': [{ status: 500, headers: { 'content-type': 'text/html', 'set-cookie': 'a=b' }, body: '<html>' }, 502, 'UpstreamFailure'],
  'an overload': [says({ error: 'NotEnoughResources', message: 'later' }, { 'retry-after': '9' }, 503), 503, 'NotEnoughResources'],
  'a refusal': [says({ error: 'BlockedActor', message: 'Requester has blocked actor', more: 1 }, {}, 400), 400, 'BlockedActor'],
  'a refusal that is compressed': [
    { status: 400, headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' }, body: zlib.gzipSync('{"error":"Packed","message":"m"}') },
    400,
    'Packed',
  ],
  'a refusal without words': [{ status: 404, headers: {}, body: '' }, 404, 'XRPCNotSupported'],
  'a refusal without an end': [
    (request, response, call) => {
      response.writeHead(400, { 'content-type': 'application/json' })
      const more = () => response.writable && !response.destroyed && response.write('x'.repeat(60_000)) && setTimeout(more, 1)
      more()
    },
    400,
    'InvalidRequest',
  ],
}
for (const [what, [how, status, error]] of Object.entries(broken)) {
  test(`${what}: ${status} ${error}`, async () => {
    upstream.answers['app.bsky.graph.getMutes'] = how
    const answer = await get('app.bsky.graph.getMutes')
    refused(answer, status, error)
    assert.equal(answer.headers.get('set-cookie'), null)
    assert.equal(answer.headers.get('location'), null)
    if (what === 'an overload') assert.equal(answer.headers.get('retry-after'), '9')
  })
}

const cutOff = {
  'a body that stops': (request, response, call) => response.writeHead(200, { 'content-length': 100_000 }).write('x'.repeat(50_000)),
  'a body that is too large, and was not announced': (request, response, call) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const more = () => !response.destroyed && response.write('x'.repeat(60_000)) && setTimeout(more, 1)
    response.on('drain', more)
    more()
  },
}
for (const [what, how] of Object.entries(cutOff)) {
  test(`${what}: the answer breaks off`, async () => {
    upstream.answers['app.bsky.graph.getMutes'] = how
    await assert.rejects(get('app.bsky.graph.getMutes'))
    fine(await whoAmI(pds, someone.accessJwt))
  })
}

test('nobody there: 502', async () => {
  const gone = await another({ mail: false, env: { ...env, PDS_BSKY_APP_VIEW_URL: 'http://127.0.0.1:9' } })
  const who = await signUp(gone)
  refused(await query(gone, 'app.bsky.graph.getMutes', { token: who.accessJwt }), 502, 'UpstreamFailure')
})

test('a client that leaves in the middle of its body', async () => {
  upstream.answers['app.bsky.video.uploadVideo'] = (call) => says({ size: call.body.length })
  await new Promise((resolve) => {
    const request = http.request(`${pds.url}/xrpc/app.bsky.video.uploadVideo`, {
      method: 'POST',
      headers: { authorization: `Bearer ${someone.accessJwt}`, 'content-type': 'video/mp4', 'content-length': 1_000_000 },
    })
    request.on('error', resolve)
    request.write(Buffer.alloc(100_000), () => setTimeout(() => request.destroy(), 50))
  })
  fine(await get('app.bsky.graph.getFollows'))
})

// ---- Who may call what (S5, L11)

test('who is not logged in is not forwarded', async () => {
  const before = upstream.calls.length
  refused(await query(pds, 'app.bsky.graph.getFollows'), 401, 'AuthMissing')
  refused(await procedure(pds, 'app.bsky.graph.muteActor', {}), 401, 'AuthMissing')
  refused(await query(pds, 'app.bsky.graph.getFollows', { token: someone.refreshJwt }), 400, 'InvalidToken')
  assert.equal(upstream.calls.length, before)
})

test('account management is never forwarded', async () => {
  const before = upstream.calls.length
  const headers = { 'atproto-proxy': `${APP_VIEW}#bsky_appview` }
  refused(await post('com.atproto.server.GETSESSION', {}, { headers }), 400, 'InvalidToken')
  refused(await post('com.atproto.server.UpdateEmail', {}, { headers }), 400, 'InvalidToken')
  assert.equal(fine(await get('com.atproto.server.getSession', { headers })).did, someone.did)
  assert.equal(upstream.calls.length, before)
})

test('messages need a privileged app password', async () => {
  for (const privileged of [false, true]) {
    const { password } = fine(await post('com.atproto.server.createAppPassword', { name: `p${privileged}`, privileged }))
    const app = fine(await logIn(pds, someone.handle, password))
    const answer = await query(pds, 'chat.bsky.convo.getLog', { token: app.accessJwt })
    if (privileged) fine(answer)
    else refused(answer, 400, 'InvalidToken', 'Bad token method')
    fine(await query(pds, 'app.bsky.graph.getFollows', { token: app.accessJwt }))
  }
})

test('a token serves reads for a while, and each write once', async () => {
  const who = await signUp(pds)
  const seen = async (ask, nsid) => {
    fine(await ask)
    return tokenOf(upstream.last(nsid))
  }
  const read = (nsid) => seen(query(pds, nsid, { token: who.accessJwt }), nsid)
  const write = (nsid) => seen(procedure(pds, nsid, {}, { token: who.accessJwt }), nsid)
  assert.notEqual(await write('app.bsky.graph.muteActor'), await write('app.bsky.graph.muteActor'))
  assert.notEqual(await read('app.bsky.graph.getFollows'), await read('app.bsky.graph.getFollowers'))
  const [one, two] = [await read('app.bsky.graph.getFollows'), await read('app.bsky.graph.getFollows')]
  if (!foreign) assert.equal(one, two)
  for (const nsid of ['app.bsky.graph.getFollows', 'app.bsky.graph.getFollowers']) {
    await verifyJwt(tokenOf(upstream.last(nsid)), APP_VIEW, nsid, keyOf)
  }
})

test('a server that takes each token once gets a new one', roostOnly('the reference makes one for each call'), async () => {
  const who = await signUp(pds)
  const seen = new Set()
  upstream.answers['app.bsky.graph.getKnownFollowers'] = (call) => {
    if (seen.has(tokenOf(call))) return says({ error: 'JwtReplayed', message: 'used' }, {}, 401)
    seen.add(tokenOf(call))
    return says({ ok: true })
  }
  for (let i = 0; i < 3; i++) fine(await query(pds, 'app.bsky.graph.getKnownFollowers', { token: who.accessJwt }))
  assert.equal(seen.size, 3)
})

test('after a deactivation or a takedown nothing goes over', async () => {
  const who = await signUp(pds)
  fine(await query(pds, 'app.bsky.graph.getFollows', { token: who.accessJwt }))
  const before = upstream.calls.length
  fine(
    await procedure(
      pds,
      'com.atproto.admin.updateSubjectStatus',
      { subject: { $type: 'com.atproto.admin.defs#repoRef', did: who.did }, takedown: { applied: true, ref: 'x' } },
      { headers: basic(pds.adminPassword) },
    ),
  )
  assert.equal((await query(pds, 'app.bsky.graph.getFollows', { token: who.accessJwt })).status, 400)
  assert.equal(upstream.calls.length, before)
})

// ---- Whom the header may name (S1)

test('services by their DID documents', async () => {
  const there = await startUpstream()
  after(() => there.close())
  const host = http.createServer((request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({
        '@context': ['https://www.w3.org/ns/did/v1'],
        id: `did:web:localhost%3A${host.address().port}`,
        service: [
          { id: '#one', type: 'Whatever', serviceEndpoint: there.url },
          { id: '#slash', type: 'Whatever', serviceEndpoint: `${there.url}/` },
          { id: '#path', type: 'Whatever', serviceEndpoint: `${there.url}/somewhere?x=` },
          { id: '#ftp', type: 'Whatever', serviceEndpoint: 'ftp://127.0.0.1/' },
          { id: '#bsky_notif', type: 'BskyNotificationService', serviceEndpoint: there.url },
        ],
      }),
    )
  })
  await new Promise((resolve) => host.listen(0, 'localhost', resolve))
  after(() => host.close())
  const did = `did:web:localhost%3A${host.address().port}`
  const to = (name) => get('com.example.thing', { headers: { 'atproto-proxy': name } })
  for (const name of ['one', 'slash']) {
    fine(await to(`${did}#${name}`))
    await verifyJwt(tokenOf(there.last()), did, 'com.example.thing', keyOf)
  }
  const refusals = {
    [`${did}#path`]: 'could not resolve proxy did service url',
    [`${did}#ftp`]: 'could not resolve proxy did service url',
    [`${did}#none`]: 'could not resolve proxy did service url',
    'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa#one': 'could not resolve proxy did',
    '#one': 'no did specified in proxy header',
    [did]: 'no service id specified in proxy header',
    [`${did}#`]: 'no service id specified in proxy header',
    [`${did}#one#two`]: 'invalid proxy header format',
    [`${did}#o ne`]: 'proxy header cannot contain spaces',
  }
  const before = there.calls.length
  for (const [name, message] of Object.entries(refusals)) refused(await to(name), 400, 'InvalidRequest', message)
  assert.equal(there.calls.length, before)

  const device = { serviceDid: did, token: 't', platform: 'ios', appId: 'app' }
  assert.equal((await post('app.bsky.notification.registerPush', device)).status, 200)
  assert.deepEqual(JSON.parse(there.last().body), device)
  await verifyJwt(tokenOf(there.last()), did, 'app.bsky.notification.registerPush', keyOf)
  refused(await post('app.bsky.notification.registerPush', { ...device, serviceDid: someone.did }), 400, 'InvalidRequest', /invalid notification service details/)
})

test('a named service is never on a private address', roostOnly('its errors differ'), async () => {
  const safe = await another({ mail: false, env: { ...env, PDS_DEV_MODE: undefined, PDS_DISABLE_SSRF_PROTECTION: 'false', PDS_HOSTNAME: 'pds.example', ROOST_LISTEN_ADDRESSES: '127.0.0.1,::1' } })
  const who = await signUp(safe)
  const before = upstream.calls.length
  // The operator's own AppView may be anywhere; what a document names may not.
  fine(await query(safe, 'app.bsky.graph.getFollows', { token: who.accessJwt }))
  for (const endpoint of [upstream.url, `http://localhost:${upstream.port}`, 'https://127.0.0.1', 'https://[::1]', 'https://localhost', 'https://169.254.169.254', 'https://2130706433', 'https://0x7f000001']) {
    const { did } = await plcIdentity(endpoint)
    const answer = await query(safe, 'com.example.thing', { token: who.accessJwt, headers: { 'atproto-proxy': `${did}#atproto_pds` } })
    assert.ok([400, 502].includes(answer.status), `${endpoint}: ${answer.status} ${answer.text}`)
  }
  assert.equal(upstream.calls.length, before + 1)
})

// ---- Whom the method names

test('the moderation service and the report service', async () => {
  fine(await get('tools.ozone.moderation.queryStatuses'))
  await verifyJwt(tokenOf(moderation.last()), moderation.did, 'tools.ozone.moderation.queryStatuses', keyOf)
  reports.answers['com.atproto.moderation.createReport'] = (call) =>
    says({ id: 7, ...JSON.parse(call.body), reportedBy: someone.did, createdAt: new Date().toISOString() })
  const report = {
    reasonType: 'com.atproto.moderation.defs#reasonSpam',
    reason: 'again and again',
    subject: { $type: 'com.atproto.admin.defs#repoRef', did: someone.did },
  }
  assert.equal(fine(await post('com.atproto.moderation.createReport', report)).id, 7)
  assert.deepEqual(JSON.parse(reports.last().body), report)
  await verifyJwt(tokenOf(reports.last()), reports.did, 'com.atproto.moderation.createReport', keyOf)
  refused(await post('com.atproto.moderation.createReport', { reason: 'x' }), 400, 'InvalidRequest')
  assert.equal(reports.calls.length, 1)
})

test('without a service: not implemented', roostOnly('the reference says that none is configured'), async () => {
  const alone = await another({ mail: false, env: Object.fromEntries(Object.keys(env).map((name) => [name, undefined])) })
  const who = await signUp(alone)
  refused(await query(alone, 'app.bsky.graph.getFollows', { token: who.accessJwt }), 501, 'MethodNotImplemented')
  refused(await query(alone, 'com.example.nothing', { token: who.accessJwt }), 501, 'MethodNotImplemented')
  fine(await query(alone, 'app.bsky.actor.getPreferences', { token: who.accessJwt }))
})
