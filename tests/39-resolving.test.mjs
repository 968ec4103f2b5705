// Who is who, asked by anybody: DIDs and handles of this server and of others, against a real PLC directory and hosts
// of the test's own that do not behave.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { fine, procedure, query, raw, refused } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { DOCUMENT, host, json } from './lib/pages.mjs'
import { newcomer, person, rnd, signUp } from './lib/people.mjs'
import { roostOnly } from './lib/where.mjs'

const { pds, plc, another } = await house({ mail: false })
const I = 'com.atproto.identity.'
const ask = (method, wanted, at = pds) => query(at, I + method, { query: wanted })
const post = (who, method, body) => procedure(pds, I + method, body, { token: who?.accessJwt })
const ours = roostOnly('the reference leaves it to others')

test('resolveDid, resolveIdentity and refreshIdentity', ours, async () => {
  const who = await signUp(pds)
  const document = await plc.client.getDocument(who.did)
  assert.deepEqual(fine(await ask('resolveDid', { did: who.did })).didDoc, document)
  for (const identifier of [who.did, who.handle]) {
    const info = fine(await ask('resolveIdentity', { identifier }))
    assert.deepEqual(info, { did: who.did, handle: who.handle, didDoc: document })
  }
  const stranger = await newcomer(plc)
  const info = fine(await ask('resolveIdentity', { identifier: stranger.did }))
  assert.equal(info.handle, 'handle.invalid', 'its domain is ours, and does not know it')
  refused(await ask('resolveDid', { did: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' }), 400, 'DidNotFound')
  refused(await ask('resolveIdentity', { identifier: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaab' }), 400, 'DidNotFound')
  refused(await ask('resolveIdentity', { identifier: `h-${rnd()}.test` }), 400, 'HandleNotFound')

  // What is remembered is asked for anew by refreshIdentity.
  const refresh = (identifier, by = who) => post(by, 'refreshIdentity', { identifier })
  await plc.client.updateData(stranger.did, stranger.key, (op) => ({ ...op, alsoKnownAs: ['at://changed.test'] }))
  assert.equal(fine(await ask('resolveDid', { did: stranger.did })).didDoc.alsoKnownAs[0], `at://${stranger.handle}`)
  refused(await refresh(stranger.did, null), 401, 'AuthMissing')
  assert.equal(fine(await refresh(stranger.did)).didDoc.alsoKnownAs[0], 'at://changed.test')
  assert.equal(fine(await ask('resolveDid', { did: stranger.did })).didDoc.alsoKnownAs[0], 'at://changed.test')
  await plc.client.tombstone(stranger.did, stranger.key)
  // The public directory tells what was ended from what never was, this one does not.
  const gone = await refresh(stranger.did)
  assert.equal(gone.status, 400)
  assert.ok(['DidDeactivated', 'DidNotFound'].includes(gone.body.error), gone.text)
  refused(await ask('resolveDid', { did: stranger.did }), 400, gone.body.error)
  refused(await ask('resolveIdentity', { identifier: stranger.did }), 400, gone.body.error)
})

test('a second directory answers while the first is away', ours, async () => {
  const who = await signUp(pds)
  const there = await another({ env: { PDS_DID_PLC_URL: 'http://127.0.0.1:1', ROOST_PLC_FALLBACK_URL: plc.url } })
  assert.equal(fine(await ask('resolveDid', { did: who.did }, there)).didDoc.id, who.did)
  // That it does not know a DID proves nothing.
  assert.equal((await ask('resolveDid', { did: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' }, there)).status, 502)
  // And nothing is changed by way of it.
  const answer = await procedure(there, 'com.atproto.server.createAccount', person())
  assert.equal(answer.status, 502, answer.text)
})

test('its own document, by the Host header', ours, async () => {
  const answer = await raw(pds, { path: DOCUMENT, headers: { host: `localhost:${pds.port}` } })
  assert.equal(answer.status, 200)
  assert.equal(answer.body.id, 'did:web:localhost')
  assert.equal(answer.body.service[0].serviceEndpoint, pds.url)
  assert.equal((await raw(pds, { path: DOCUMENT, headers: { host: 'other.test' } })).status, 404)
})

test('hosts that answer too much, too slowly, elsewhere, or in a knot', ours, async () => {
  const away = await host({})
  const good = (did) => ({ id: did })
  const resolve = (did, at = pds) => ask('resolveDid', { did }, at)
  const ways = {
    large: [(did) => json({ ...good(did), padding: 'x'.repeat(70_000) }), 502],
    redirect: [() => (_, res) => res.writeHead(302, { location: `http://localhost:${away.port}${DOCUMENT}` }).end(), 400],
    compressed: [
      (did) => (_, res) => res.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(JSON.stringify(good(did)))),
      502,
    ],
    someoneElse: [() => json(good('did:web:other.example')), 502],
    noJson: [() => (_, res) => res.writeHead(200).end('<html>'), 502],
    slow: [
      () => (_, res) => {
        res.writeHead(200)
        const drip = setInterval(() => res.write(' '), 100)
        res.on('close', () => clearInterval(drip))
      },
      504,
    ],
  }
  let followed = false
  away.pages[DOCUMENT] = (_, res) => {
    followed = true
    res.writeHead(200).end('{}')
  }
  for (const [what, [page, status]] of Object.entries(ways)) {
    const web = await host({})
    web.pages[DOCUMENT] = page(web.did)
    const start = performance.now()
    const answer = await resolve(web.did)
    assert.equal(answer.status, status, `${what}: ${answer.text}`)
    assert.ok(performance.now() - start < 5_000, `${what} took ${performance.now() - start} ms`)
  }
  assert.equal(followed, false)
})

test('private addresses are not asked, wherever a name leads', ours, async () => {
  const there = await another({ env: { PDS_DEV_MODE: 'false', PDS_DISABLE_SSRF_PROTECTION: 'false' } })
  let asked = 0
  const web = await host({
    [DOCUMENT]: (_, res) => {
      asked++
      res.end('{}')
    },
  })
  const answer = await ask('resolveDid', { did: web.did }, there)
  assert.ok([400, 502].includes(answer.status), answer.text)
  assert.equal(asked, 0)
  const who = await signUp(pds)
  assert.equal(fine(await ask('resolveDid', { did: who.did }, there)).didDoc.id, who.did, 'the directory is ours to name')
})

test('one host is asked at most so often, whoever makes us', ours, async () => {
  const who = await signUp(pds)
  let asked = 0
  const web = await host({
    [DOCUMENT]: (_, res) => {
      asked++
      res.writeHead(404).end()
    },
  })
  const remembered = await Promise.all(Array.from({ length: 100 }, () => ask('resolveDid', { did: web.did })))
  for (const answer of remembered) refused(answer, 400, 'DidNotFound')
  assert.ok(asked <= 2, `asked ${asked} times`)
  const answers = []
  for (let i = 0; i < 130; i++) answers.push(await post(who, 'refreshIdentity', { identifier: web.did }))
  assert.ok(asked <= 120, `asked ${asked} times`) // a minute may have ended between
  const late = answers.filter((answer) => answer.status === 503)
  assert.ok(late.length > 0)
  refused(late[0], 503, 'TooManyLookUps')
  assert.ok(late[0].headers.has('retry-after'))
})

test('many who ask for one DID at once cause one request', ours, async () => {
  let asked = 0
  const web = await host({})
  web.pages[DOCUMENT] = (_, res) => {
    asked++
    setTimeout(() => res.end(JSON.stringify({ id: web.did })), 300)
  }
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask('resolveDid', { did: web.did })))
  assert.ok(answers.every((answer) => answer.status === 200))
  assert.equal(asked, 1)
})
