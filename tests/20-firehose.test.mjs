// The event stream: what relays see of this server, and what it does about those that misbehave.
import assert from 'node:assert/strict'
import http from 'node:http'
import net from 'node:net'
import { after, test } from 'node:test'
import { Subscription } from '@atproto/xrpc-server'
import { fine, procedure, raw, refused } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { freePort, sleep, until } from './lib/net.mjs'
import { signUp } from './lib/people.mjs'
import { streamUrl, subscribe } from './lib/stream.mjs'
import { roostOnly } from './lib/where.mjs'

const { pds, another } = await house({ mail: false })
const S = 'com.atproto.server.'
const PATH = '/xrpc/com.atproto.sync.subscribeRepos'
const post = (who, method, body, at = pds) => procedure(at, S + method, body, { token: who?.accessJwt })
const kinds = (events, did) => events.filter((e) => did === (e.body.did ?? e.body.repo)).map((e) => e.t)
const bytesOf = (events) => Buffer.concat(events.map((e) => e.bytes))
const NEW = ['#identity', '#account', '#commit', '#sync']

test('sign-ups arrive whole and in order', async () => {
  const stream = await subscribe(pds)
  const people = []
  for (let i = 0; i < 3; i++) people.push(await signUp(pds))
  const events = await stream.wait(3 * NEW.length)
  for (const who of people) assert.deepEqual(kinds(events, who.did), NEW)
  assert.deepEqual(
    events.map((e) => e.body.did ?? e.body.repo),
    people.flatMap((who) => NEW.map(() => who.did)),
  )
  assert.equal(events[0].body.handle, people[0].handle)
  assert.equal(events[1].body.active, true)
  const commit = events[2].body
  assert.deepEqual([commit.ops, commit.blobs, commit.rebase, commit.tooBig, commit.since], [[], [], false, false, null])
  assert.equal(events[3].body.rev, commit.rev)
  for (const event of events) assert.ok(Math.abs(Date.now() - Date.parse(event.body.time)) < 60_000)
  stream.close()
  assert.equal((await stream.end).code, 1000)
})

test('what becomes of an account is told', async () => {
  const who = await signUp(pds)
  const stream = await subscribe(pds)
  fine(await post(who, 'deactivateAccount', {}))
  fine(await post(who, 'activateAccount'))
  const events = await stream.wait(4)
  assert.deepEqual(kinds(events, who.did), ['#account', '#account', '#identity', '#sync'])
  assert.deepEqual([events[0].body.active, events[0].body.status], [false, 'deactivated'])
  assert.deepEqual([events[1].body.active, events[1].body.status], [true, undefined])
  stream.close()
})

test("the reference's client reads it", async () => {
  const start = (await subscribe(pds, { cursor: 0 })).wait(1)
  const cursor = (await start)[0].body.seq
  const who = await signUp(pds)
  const stop = new AbortController()
  const client = new Subscription({
    service: `ws://localhost:${pds.port}`,
    method: 'com.atproto.sync.subscribeRepos',
    getParams: () => ({ cursor }),
    signal: stop.signal,
    validate: (message) => message,
  })
  const seen = []
  for await (const message of client) {
    seen.push(message)
    if (message.$type?.endsWith('#sync') && message.did === who.did) break
  }
  stop.abort()
  assert.ok(seen.some((m) => m.$type.endsWith('#commit') && m.repo === who.did))
})

test('a cursor goes on where it was, also after a restart', async () => {
  const stream = await subscribe(pds)
  const first = await signUp(pds)
  await stream.wait(4)
  const cursor = stream.last()
  await pds.restart()
  assert.equal((await stream.end).code, 1001)
  const second = await signUp(pds)
  const again = await subscribe(pds, { cursor })
  const third = await signUp(pds)
  const events = await again.wait(8)
  assert.deepEqual(kinds(events, first.did), [])
  assert.deepEqual(kinds(events, second.did), NEW)
  assert.deepEqual(kinds(events, third.did), NEW)
  assert.equal(events.length, 8)
  again.close()
})

test('all subscribers get the same bytes, live or later', async () => {
  const streams = await Promise.all(Array.from({ length: 30 }, () => subscribe(pds)))
  const early = await subscribe(pds, { cursor: 0 })
  await early.wait(1)
  const before = early.last()
  await Promise.all([signUp(pds), signUp(pds), signUp(pds)])
  for (const stream of streams) await stream.wait(12)
  const expected = bytesOf(streams[0].events)
  for (const stream of streams) assert.ok(expected.equals(bytesOf(stream.events)))
  const first = streams[0].events[0].body.seq
  const later = await subscribe(pds, { cursor: first - 1 })
  await later.wait(12)
  assert.ok(expected.equals(bytesOf(later.events)))
  const all = await subscribe(pds, { cursor: 0 })
  await all.wait((e) => e.body.seq === streams[0].last())
  assert.ok(bytesOf(all.events).includes(expected))
  assert.ok(before < first)
  for (const stream of [...streams, early, later, all]) stream.close()
})

test('a cursor from the future', async () => {
  const stream = await subscribe(pds, { cursor: 2 ** 53 - 1 })
  assert.deepEqual(await stream.end, { code: 1008, reason: 'FutureCursor' })
  assert.deepEqual(
    stream.events.map((e) => [e.op, e.t, e.body.error]),
    [[-1, undefined, 'FutureCursor']],
  )
})

test('a cursor that is no cursor', async () => {
  for (const cursor of ['abc', '1.5', '1e3']) {
    const stream = await subscribe(pds, { cursor })
    assert.equal((await stream.end).code, 1008)
    assert.deepEqual(
      stream.events.map((e) => [e.op, e.body.error]),
      [[-1, 'InvalidRequest']],
    )
  }
})

test('a cursor from too long ago', async () => {
  const other = await another({ env: { PDS_REPO_BACKFILL_LIMIT_MS: '2000' } })
  await signUp(other)
  const fresh = await subscribe(other, { cursor: 0 })
  assert.equal((await fresh.wait(4))[0].t, '#identity')
  await sleep(2500)
  const who = await signUp(other)
  const stream = await subscribe(other, { cursor: 1 })
  const events = await stream.wait(5)
  assert.deepEqual(
    events.map((e) => e.t),
    ['#info', ...NEW],
  )
  assert.equal(events[0].body.name, 'OutdatedCursor')
  assert.deepEqual(kinds(events, who.did), NEW)
  const current = await subscribe(other, { cursor: fresh.last() })
  await sleep(300)
  assert.deepEqual(current.events, [])
  for (const one of [fresh, stream, current]) one.close()
})

test('who takes nothing is cut off, and nobody else waits', roostOnly('it takes the reference minutes'), async () => {
  const other = await another({ env: { PDS_MAX_SUBSCRIPTION_BUFFER: '50' } })
  const who = await signUp(other)
  const good = await subscribe(other)
  const slow = await subscribe(other)
  slow.socket.pause()
  let dropped = false
  slow.end.then(() => (dropped = true))
  const end = performance.now() + 120_000
  const isCut = async () => {
    const page = await fetch(`http://127.0.0.1:${other.port + 1}/metrics`).then((a) => a.text())
    return /roost_stream_too_slow_total 1/.test(page)
  }
  while (!(await isCut()) && performance.now() < end) {
    const record = { text: 'x'.repeat(200_000) } // socket buffers take megabytes
    const body = { repo: who.did, collection: 'test.roost.large', validate: false, record }
    const write = () => procedure(other, 'com.atproto.repo.createRecord', body, { token: who.accessJwt })
    for (const written of await Promise.all(Array.from({ length: 16 }, write))) fine(written)
  }
  assert.ok(await isCut(), 'it is cut off while it sleeps')
  assert.equal(dropped, false)
  slow.socket.resume()
  assert.deepEqual(await slow.end, { code: 1008, reason: 'ConsumerTooSlow' })
  assert.equal(slow.events.at(-1).body.error, 'ConsumerTooSlow')
  const last = await signUp(other)
  await good.wait((e) => e.t === '#sync' && e.body.did === last.did)
  // The slow one goes on from where it was, and misses nothing.
  const again = await subscribe(other, { cursor: slow.last() })
  await again.wait((e) => e.t === '#sync' && e.body.did === last.did)
  const whole = [...slow.events.slice(0, -1), ...again.events]
  assert.ok(bytesOf(whole).equals(bytesOf(good.events)))
  for (const stream of [good, again]) stream.close()
})

test('pings are answered, messages are not minded', async () => {
  const stream = await subscribe(pds)
  const pong = new Promise((resolve) => stream.socket.on('pong', (data) => resolve(data.toString())))
  stream.socket.send('hello')
  stream.socket.send(Buffer.alloc(64 * 1024))
  stream.socket.ping('are you there')
  assert.equal(await pong, 'are you there')
  stream.socket.close(1001, 'bye')
  assert.equal((await stream.end).code, 1001)
})

/** Sends bytes after the handshake; the code of the Close that comes back. */
const closeCode = (bytes) =>
  new Promise((resolve, reject) => {
    const socket = net.connect(pds.port, '127.0.0.1', () =>
      socket.write(
        `GET ${PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      ),
    )
    let got = Buffer.alloc(0)
    let sent = false
    socket.setTimeout(20_000, () => socket.destroy(new Error('no answer in 20 s')))
    socket.on('data', (piece) => {
      got = Buffer.concat([got, piece])
      const head = got.indexOf('\r\n\r\n')
      if (head < 0) return
      if (!sent) socket.write(bytes)
      sent = true
    })
    socket.on('error', (error) => (error.code === 'ECONNRESET' || error.code === 'EPIPE' ? undefined : reject(error)))
    socket.on('close', () => {
      const frame = got.subarray(got.indexOf('\r\n\r\n') + 4)
      resolve(frame[0] === 0x88 ? frame.readUInt16BE(2) : `no Close but ${frame.toString('hex')}`)
    })
  })
const masked = (first, ...rest) => Buffer.from([first, ...rest, 0, 0, 0, 0])

test('what a client must not send', async () => {
  assert.equal(await closeCode(Buffer.from('\x81\x05hello', 'latin1')), 1002, 'unmasked')
  assert.equal(await closeCode(masked(0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0)), 1002, '2^63 bytes')
  assert.equal(await closeCode(masked(0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 1)), 1009, '64 KiB and one')
  assert.equal(await closeCode(masked(0xc2, 0x80)), 1002, 'a reserved bit')
  assert.equal(await closeCode(masked(0x80, 0x80)), 1002, 'a continuation of nothing')
  const fragments = Buffer.concat([masked(0x02, 0x80), ...Array.from({ length: 500 }, () => masked(0x00, 0x80))])
  assert.equal(await closeCode(fragments), 1009, 'endless fragments')
  const flood = Buffer.concat(Array.from({ length: 3000 }, () => masked(0x8a, 0x80)))
  assert.equal(await closeCode(flood), 1008, 'a flood')
  const stream = await subscribe(pds)
  const who = await signUp(pds)
  await stream.wait((e) => e.body.did === who.did)
  stream.close()
})

test('other requests for the stream', async () => {
  const plain = await raw(pds, { path: PATH })
  refused({ ...plain, headers: undefined }, 426, 'UpgradeRequired')
  assert.equal(plain.headers.upgrade, 'websocket')
  refused(await raw(pds, { path: PATH, method: 'POST' }), 405, 'InvalidRequest')
  const old = await raw(pds, {
    path: PATH,
    headers: { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '8', 'sec-websocket-key': 'x' },
  })
  assert.equal(old.status, 426)
  assert.equal(old.headers['sec-websocket-version'], '13')
})

test('SIGTERM says goodbye to everybody', async () => {
  const other = await another()
  const streams = await Promise.all(Array.from({ length: 10 }, () => subscribe(other)))
  const paused = await subscribe(other)
  paused.socket.pause()
  const start = performance.now()
  await other.stop()
  assert.ok(performance.now() - start < 5_000)
  for (const stream of streams) assert.equal((await stream.end).code, 1001)
  paused.socket.resume()
  assert.equal((await paused.end).code, 1001)
})

test('relays are asked to crawl, once', async () => {
  const asked = []
  const relay = http.createServer(async (request, response) => {
    const body = []
    for await (const piece of request) body.push(piece)
    asked.push([request.method, request.url, JSON.parse(Buffer.concat(body).toString())])
    response.writeHead(200).end()
  })
  const port = await freePort()
  await new Promise((resolve) => relay.listen(port, '127.0.0.1', resolve))
  after(() => relay.close())
  const other = await another({ env: { PDS_CRAWLERS: `http://127.0.0.1:${port}, http://127.0.0.1:1` } })
  await sleep(200)
  assert.deepEqual(asked, [], 'nothing has happened yet')
  await signUp(other)
  await until('the relay to be asked', () => asked.length > 0)
  await signUp(other)
  await other.restart()
  await signUp(other)
  await sleep(300)
  assert.deepEqual(asked, [['POST', '/xrpc/com.atproto.sync.requestCrawl', { hostname: 'localhost' }]])
})
