// Records, written by clients, and repositories, read by the network.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import { readCar, readCarWithRoot, verifyProofs, verifyRepoCar } from '@atproto/repo'
import { fine, procedure, query, refused } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { rnd, signUp } from './lib/people.mjs'

const { plc, pds } = await house()

const POST = 'app.bsky.feed.post'
const now = () => new Date().toISOString()
const post = (text = 'hello') => ({ $type: POST, text, createdAt: now() })
const write = (who, method, body) =>
  procedure(pds, `com.atproto.repo.${method}`, { repo: who.did, ...body }, { token: who.accessJwt })
const create = (who, record = post(), more = {}) =>
  write(who, 'createRecord', { collection: record.$type ?? POST, record, ...more })
const rkeyOf = (uri) => uri.split('/').at(-1)
const get = (who, uri, more = {}) =>
  query(pds, 'com.atproto.repo.getRecord', {
    query: { repo: who.did, collection: uri.split('/').at(-2), rkey: rkeyOf(uri), ...more },
  })
const list = (who, more = {}) =>
  query(pds, 'com.atproto.repo.listRecords', { query: { repo: who.did, collection: POST, ...more } })
const latest = async (who) => fine(await query(pds, 'com.atproto.sync.getLatestCommit', { query: { did: who.did } }))
const keyOf = async (who) => (await plc.client.getDocumentData(who.did)).verificationMethods.atproto
async function car(path, params) {
  const url = new URL(`/xrpc/com.atproto.sync.${path}`, pds.url)
  for (const [name, value] of Object.entries(params)) for (const one of [value].flat()) url.searchParams.append(name, one)
  const answer = await fetch(url)
  assert.equal(answer.status, 200, `${path}: ${answer.status}`)
  return new Uint8Array(await answer.arrayBuffer())
}
/** What the whole repository holds, verified: path → record. */
async function contents(who, params = {}) {
  const bytes = await car('getRepo', { did: who.did, ...params })
  const repo = await verifyRepoCar(bytes, who.did, await keyOf(who))
  return new Map(repo.creates.map((one) => [`${one.collection}/${one.rkey}`, one.cid.toString()]))
}

test('@atproto/api: a day of posting', async () => {
  const who = await signUp(pds)
  const agent = new AtpAgent({ service: pds.url })
  await agent.login({ identifier: who.handle, password: who.password })
  const first = await agent.post({ text: 'first', createdAt: now() })
  const second = await agent.post({ text: 'second', createdAt: now() })
  await agent.like(first.uri, first.cid)
  await agent.upsertProfile((profile) => ({ ...profile, displayName: 'Ann' }))
  await agent.deletePost(second.uri)
  const all = await contents(who)
  assert.equal(all.size, 3)
  assert.equal(all.get(`${POST}/${rkeyOf(first.uri)}`), first.cid)
  assert.ok(all.has('app.bsky.actor.profile/self'))
  const described = fine(await query(pds, 'com.atproto.repo.describeRepo', { query: { repo: who.handle } }))
  assert.deepEqual(described.collections.sort(), ['app.bsky.actor.profile', 'app.bsky.feed.like', POST])
  assert.equal(described.handle, who.handle)
  assert.equal(described.handleIsCorrect, true)
  assert.equal(described.didDoc.id, who.did)
})

test('createRecord, getRecord: the record as it was sent', async () => {
  const who = await signUp(pds)
  const record = { ...post('héllo 🦜'), langs: ['en'], extra: { bytes: { $bytes: 'AAECAw' }, none: null, list: [1, -2, true] } }
  const made = fine(await create(who, record))
  assert.match(made.uri, new RegExp(`^at://${who.did}/${POST}/[2-7a-z]{13}$`))
  assert.equal(made.validationStatus, 'valid')
  assert.deepEqual({ cid: made.commit.cid, rev: made.commit.rev }, await latest(who))
  const got = fine(await get(who, made.uri))
  assert.deepEqual(got, { uri: made.uri, cid: made.cid, value: record })
  fine(await get(who, made.uri, { cid: made.cid }))
  refused(await get(who, made.uri, { cid: made.commit.cid }), 400, 'RecordNotFound')
  refused(await get(who, `${made.uri}x`), 400, 'RecordNotFound')
  const other = fine(await create(who, post(), { rkey: '3jzfcijpj2z2a' }))
  assert.equal(rkeyOf(other.uri), '3jzfcijpj2z2a')
})

test('putRecord: new, changed, the same again', async () => {
  const who = await signUp(pds)
  const put = (record, more) =>
    write(who, 'putRecord', { collection: 'app.bsky.actor.profile', rkey: 'self', record, ...more })
  const first = fine(await put({ displayName: 'A' }))
  const second = fine(await put({ displayName: 'B' }))
  assert.notEqual(second.cid, first.cid)
  const again = fine(await put({ displayName: 'B' }))
  assert.equal(again.cid, second.cid)
  assert.equal(again.commit, undefined)
  refused(await put({ displayName: 'C' }, { swapRecord: first.cid }), 400, 'InvalidSwap')
  refused(await put({ displayName: 'C' }, { swapRecord: null }), 400, 'InvalidSwap')
  refused(await put({ displayName: 'C' }, { swapCommit: first.commit.cid }), 400, 'InvalidSwap')
  fine(await put({ displayName: 'C' }, { swapRecord: second.cid, swapCommit: second.commit.cid }))
  assert.equal((await contents(who)).size, 1)
})

test('deleteRecord: there, and not there', async () => {
  const who = await signUp(pds)
  const { uri, cid } = fine(await create(who))
  const erase = (more) => write(who, 'deleteRecord', { collection: POST, rkey: rkeyOf(uri), ...more })
  refused(await erase({ swapRecord: 'bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a' }), 400, 'InvalidSwap')
  assert.equal(fine(await erase({ swapRecord: cid })).commit.rev, (await latest(who)).rev)
  assert.equal(fine(await erase()).commit, undefined)
  refused(await get(who, uri), 400, 'RecordNotFound')
  assert.equal((await contents(who)).size, 0)
})

test('applyWrites: all kinds, all or none', async () => {
  const who = await signUp(pds)
  const apply = (writes, more) => write(who, 'applyWrites', { writes, ...more })
  const kind = (name) => `com.atproto.repo.applyWrites#${name}`
  const creates = Array.from({ length: 50 }, (_, i) => ({ $type: kind('create'), collection: POST, value: post(`n${i}`) }))
  const made = fine(await apply(creates))
  assert.equal(made.results.length, 50)
  assert.ok(made.results.every((one) => one.$type === kind('createResult') && one.validationStatus === 'valid'))
  const [a, b] = made.results
  const before = await latest(who)
  refused(
    await apply([
      { $type: kind('create'), collection: POST, value: post('x') },
      { $type: kind('delete'), collection: POST, rkey: 'not-there' },
    ]),
    400,
    'InvalidRequest',
  )
  assert.deepEqual(await latest(who), before)
  const mixed = fine(
    await apply(
      [
        { $type: kind('update'), collection: POST, rkey: rkeyOf(a.uri), value: post('changed') },
        { $type: kind('delete'), collection: POST, rkey: rkeyOf(b.uri) },
        { $type: kind('create'), collection: POST, rkey: '3jzfcijpj2z2b', value: post('new') },
      ],
      { swapCommit: before.cid },
    ),
  )
  assert.deepEqual(mixed.results.map((one) => one.$type), ['updateResult', 'deleteResult', 'createResult'].map(kind))
  assert.equal((await contents(who)).size, 50)
  refused(await apply(Array.from({ length: 201 }, () => creates[0])), 400, 'InvalidRequest', /Too many writes/)
})

test('listRecords: pages, both ways', async () => {
  const who = await signUp(pds)
  const uris = []
  for (let i = 0; i < 7; i++) uris.push(fine(await create(who, post(`${i}`))).uri)
  const walk = async (reverse) => {
    const seen = []
    for (let cursor; ; ) {
      const page = fine(await list(who, { limit: 3, ...(cursor && { cursor }), ...(reverse && { reverse }) }))
      seen.push(...page.records.map((one) => one.uri))
      if (page.records.length === 0) return seen
      cursor = page.cursor
    }
  }
  assert.deepEqual(await walk(true), uris)
  assert.deepEqual(await walk(false), uris.toReversed())
  assert.equal(fine(await list(who, { limit: 1 })).records[0].value.text, '6')
  refused(await list(who, { limit: 101 }), 400, 'InvalidRequest')
})

test('what is refused, and how', async () => {
  const who = await signUp(pds)
  const other = await signUp(pds)
  refused(await create(who, post(), { repo: other.did }), 401, 'AuthenticationRequired')
  refused(await create(who, post(), { repo: `nobody-${rnd()}.test` }), 403, 'AccountNotFound')
  fine(await create(who, post(), { repo: who.handle }))
  refused(await procedure(pds, 'com.atproto.repo.createRecord', { repo: who.did, collection: POST, record: post() }), 401, 'AuthMissing')
  refused(await create(who, { ...post(), $type: 'app.bsky.feed.like' }, { collection: POST }), 400, 'InvalidRequest', /Invalid \$type/)
  refused(await create(who, { $type: POST, text: 'no date' }), 400, 'InvalidRequest', /createdAt/)
  refused(await create(who, { ...post(), text: 'x'.repeat(4000) }), 400, 'InvalidRequest', /text/)
  refused(await create(who, post(), { rkey: 'not a key' }), 400, 'InvalidRequest')
  refused(await create(who, post(), { rkey: 'short' }), 400, 'InvalidRequest', /record key/)
  refused(await create(who, { ...post(), n: 1.5 }), 400, 'InvalidRequest')
  refused(await create(who, { $type: 'com.example.unknown' }, { validate: true }), 400, 'InvalidRequest', /Unknown lexicon/)
  assert.equal(fine(await create(who, { $type: 'com.example.unknown', a: 1 })).validationStatus, 'unknown')
  assert.equal(fine(await create(who, { $type: POST }, { validate: false })).validationStatus, undefined)
})

test('one like for one subject', async () => {
  const who = await signUp(pds)
  const subject = fine(await create(who))
  const like = () => ({ $type: 'app.bsky.feed.like', subject: { uri: subject.uri, cid: subject.cid }, createdAt: now() })
  const first = fine(await create(who, like()))
  const second = fine(await create(who, like()))
  refused(await get(who, first.uri), 400, 'RecordNotFound')
  fine(await get(who, second.uri))
})

test('many at once on one repository: all of them, in one history', async () => {
  const who = await signUp(pds)
  const made = await Promise.all(Array.from({ length: 60 }, (_, i) => create(who, post(`${i}`))))
  const cids = new Set(made.map((one) => fine(one).cid))
  assert.equal(cids.size, 60)
  assert.deepEqual(new Set((await contents(who)).values()), cids)
  await pds.restart()
  assert.equal((await contents(who)).size, 60)
})

test('getRepo since: what came after', async () => {
  const who = await signUp(pds)
  for (let i = 0; i < 30; i++) fine(await create(who))
  const { rev } = await latest(who)
  const { cid } = fine(await create(who, post('the new one')))
  const bytes = await car('getRepo', { did: who.did, since: rev })
  const { root, blocks } = await readCarWithRoot(bytes)
  assert.equal(root.toString(), (await latest(who)).cid)
  assert.ok([...blocks.cids()].some((one) => one.toString() === cid))
  assert.ok(bytes.length < (await car('getRepo', { did: who.did })).length / 2)
})

test('sync.getRecord proves what is there, and what is not', async () => {
  const who = await signUp(pds)
  const made = []
  for (let i = 0; i < 20; i++) made.push(fine(await create(who)))
  const claim = (uri, cid) => ({ collection: POST, rkey: rkeyOf(uri), cid })
  const prove = (rkey) => car('getRecord', { did: who.did, collection: POST, rkey })
  const proof = await prove(rkeyOf(made[7].uri))
  const { blocks } = await readCarWithRoot(proof)
  const cid = blocks.cids().find((one) => one.toString() === made[7].cid)
  const there = await verifyProofs(proof, [claim(made[7].uri, cid)], who.did, await keyOf(who))
  assert.equal(there.verified.length, 1)
  const absent = `at://${who.did}/${POST}/3jzfcijpj2z2c`
  const none = await verifyProofs(await prove(rkeyOf(absent)), [claim(absent, null)], who.did, await keyOf(who))
  assert.equal(none.verified.length, 1)
})

test('getBlocks, getRepoStatus, listRepos, listReposByCollection, getHead', async () => {
  const who = await signUp(pds)
  const made = fine(await create(who, { $type: 'com.example.rare', at: now() }))
  const { blocks } = await readCar(await car('getBlocks', { did: who.did, cids: [made.cid, made.commit.cid] }))
  assert.equal(blocks.size, 2)
  const missing = await query(pds, 'com.atproto.sync.getBlocks', {
    query: { did: who.did, cids: ['bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a'] },
  })
  refused(missing, 400, 'BlockNotFound', /Could not find cids/)
  const status = fine(await query(pds, 'com.atproto.sync.getRepoStatus', { query: { did: who.did } }))
  assert.deepEqual(status, { did: who.did, active: true, rev: made.commit.rev })
  const listed = []
  for (let cursor; ; ) {
    const page = fine(await query(pds, 'com.atproto.sync.listRepos', { query: { limit: 4, ...(cursor && { cursor }) } }))
    listed.push(...page.repos)
    if (!page.cursor) break
    cursor = page.cursor
  }
  assert.deepEqual(listed.find((one) => one.did === who.did), { did: who.did, head: made.commit.cid, rev: made.commit.rev, active: true })
  assert.equal(new Set(listed.map((one) => one.did)).size, listed.length)
  for (const bad of ['x', '-1', '1x'])
    refused(await query(pds, 'com.atproto.sync.listRepos', { query: { cursor: bad } }), 400, 'InvalidRequest', 'Malformed cursor')
  const rare = fine(await query(pds, 'com.atproto.sync.listReposByCollection', { query: { collection: 'com.example.rare' } }))
  assert.deepEqual(rare.repos, [{ did: who.did }])
  assert.equal(fine(await query(pds, 'com.atproto.sync.getHead', { query: { did: who.did } })).root, made.commit.cid)
})

test('a repository that is asleep is closed', async () => {
  const who = await signUp(pds)
  const { uri } = fine(await create(who))
  fine(await procedure(pds, 'com.atproto.server.deactivateAccount', {}, { token: who.accessJwt }))
  refused(await create(who), 401, 'AccountDeactivated')
  for (const method of ['getRepo', 'getLatestCommit', 'getHead'])
    refused(await query(pds, `com.atproto.sync.${method}`, { query: { did: who.did } }), 400, 'RepoDeactivated')
  refused(await get(who, uri), 400, 'RecordNotFound')
  const status = fine(await query(pds, 'com.atproto.sync.getRepoStatus', { query: { did: who.did } }))
  assert.deepEqual(status, { did: who.did, active: false, status: 'deactivated' })
})

