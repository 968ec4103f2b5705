// Whole repositories come in: an account's own from before, and those that another server exported.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import { BlockMap, blocksToCarFile, cborToLex, readCarWithRoot, verifyRepoCar } from '@atproto/repo'
import { createServiceJwt } from '@atproto/xrpc-server'
import * as plcLib from '@did-plc/lib'
import { asAdmin, fine, procedure, query, refused } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { sleep } from './lib/net.mjs'
import { newcomer, signUp } from './lib/people.mjs'
import { subscribe } from './lib/stream.mjs'
import { other, roostOnly, withOther } from './lib/where.mjs'

const { plc, pds, another } = await house({ mail: false, named: true })
const POST = 'app.bsky.feed.post'
const CAR = 'application/vnd.ipld.car'
const R = 'com.atproto.repo.'
const S = 'com.atproto.server.'
const LXM = `${S}createAccount`
const now = () => new Date().toISOString()
const post = (text) => ({ $type: POST, text, createdAt: now() })
const write = (who, method, body, at = pds) =>
  procedure(at, R + method, { repo: who.did, ...body }, { token: who.accessJwt })
const create = (who, text, at) => write(who, 'createRecord', { collection: POST, record: post(text) }, at)
const apply = (who, writes, at) => write(who, 'applyWrites', { writes }, at)
const importRepo = (who, car, { at = pds, token = who.accessJwt, type = CAR, headers } = {}) =>
  procedure(at, `${R}importRepo`, car, { token, headers: { ...(type && { 'content-type': type }), ...headers } })
const latest = async (who, at = pds) =>
  fine(await query(at, 'com.atproto.sync.getLatestCommit', { query: { did: who.did } }))
const keyOf = async (who) => (await plc.client.getDocumentData(who.did)).verificationMethods.atproto
const rkeyOf = (uri) => uri.split('/').at(-1)

async function exported(who, at = pds) {
  const answer = await fetch(`${at.url}/xrpc/com.atproto.sync.getRepo?did=${who.did}`)
  assert.equal(answer.status, 200)
  return new Uint8Array(await answer.arrayBuffer())
}

/** Path → CID of all records of a verified repository. */
async function contents(who, at = pds) {
  const repo = await verifyRepoCar(await exported(who, at), who.did, await keyOf(who))
  return new Map(repo.creates.map((one) => [`${one.collection}/${one.rkey}`, one.cid.toString()]))
}

async function listed(who, collection = POST, at = pds) {
  const all = []
  for (let cursor; ; ) {
    const page = fine(
      await query(at, `${R}listRecords`, { query: { repo: who.did, collection, limit: 100, ...(cursor && { cursor }) } }),
    )
    all.push(...page.records)
    if (page.records.length === 0) return all
    cursor = page.cursor
  }
}

/** So many posts, some likes and a profile. */
async function fill(who, count, at = pds) {
  const kind = `${R}applyWrites#create`
  for (let i = 0; i < count; i += 100)
    fine(await apply(who, Array.from({ length: Math.min(100, count - i) }, (_, n) => ({ $type: kind, collection: POST, value: post(`post ${i + n}`) })), at))
  const agent = new AtpAgent({ service: at.url })
  await agent.login({ identifier: who.handle, password: who.password })
  const made = await agent.post({ text: 'by a real client', createdAt: now() })
  await agent.like(made.uri, made.cid)
  await agent.upsertProfile((profile) => ({ ...profile, displayName: 'Ann' }))
}

test('what was exported comes back, and life goes on', async () => {
  const who = await signUp(pds)
  await fill(who, 350)
  const car = await exported(who)
  const before = { all: await contents(who), posts: await listed(who), head: await latest(who) }
  assert.equal(before.all.size, 353)
  const { root } = await readCarWithRoot(car)
  assert.equal(root.toString(), before.head.cid)

  const gone = before.posts.filter((_, i) => i % 2 === 0).map((one) => rkeyOf(one.uri))
  for (let i = 0; i < gone.length; i += 100)
    fine(await apply(who, gone.slice(i, i + 100).map((rkey) => ({ $type: `${R}applyWrites#delete`, collection: POST, rkey }))))
  fine(await create(who, 'written after the export'))
  assert.notDeepEqual(await contents(who), before.all)

  const stream = await subscribe(pds)
  const agent = new AtpAgent({ service: pds.url })
  await agent.login({ identifier: who.handle, password: who.password })
  await agent.com.atproto.repo.importRepo(car, { encoding: CAR })
  assert.deepEqual(await contents(who), before.all)
  assert.deepEqual(await listed(who), before.posts)
  const head = await latest(who)
  assert.ok(head.rev > before.head.rev)
  const status = fine(await query(pds, `${S}checkAccountStatus`, { token: who.accessJwt }))
  assert.deepEqual([status.indexedRecords, status.repoCommit, status.repoRev], [353, head.cid, head.rev])

  // The stream tells of the leap, and then of a commit that follows it.
  const { uri, cid } = fine(await create(who, 'the first one afterwards'))
  const events = (await stream.wait((e) => e.t === '#commit')).filter((e) => (e.body.did ?? e.body.repo) === who.did)
  assert.deepEqual(events.map((e) => e.t), ['#sync', '#commit'])
  const [sync, commit] = events.map((e) => e.body)
  assert.equal(sync.rev, head.rev)
  assert.equal((await readCarWithRoot(sync.blocks)).root.toString(), head.cid)
  assert.equal(commit.since, head.rev)
  const { root: told, blocks: one } = await readCarWithRoot(sync.blocks)
  assert.equal(commit.prevData.toString(), cborToLex(one.get(told)).data.toString())
  assert.deepEqual(commit.ops.map((op) => [op.action, op.path, op.cid.toString()]), [['create', `${POST}/${rkeyOf(uri)}`, cid]])
  const after = await contents(who)
  assert.equal(after.size, 354)
  assert.equal(after.get(`${POST}/${rkeyOf(uri)}`), cid)
  stream.close()
  await pds.restart()
  assert.deepEqual(await contents(who), after)
})

test('a body without a length, blocks in another order and twice', async () => {
  const who = await signUp(pds)
  await fill(who, 120)
  const before = await contents(who)
  const { root, blocks } = await readCarWithRoot(await exported(who))
  const mixed = new BlockMap()
  for (const { cid, bytes } of blocks.entries().reverse()) mixed.set(cid, bytes)
  const car = await blocksToCarFile(root, mixed)
  const header = car[0] + 1
  const twice = Buffer.concat([car, car.subarray(header)])
  const answer = await fetch(`${pds.url}/xrpc/${R}importRepo`, {
    method: 'POST',
    headers: { authorization: `Bearer ${who.accessJwt}`, 'content-type': CAR },
    body: new ReadableStream({
      async start(out) {
        for (let i = 0; i < twice.length; i += 10_000) {
          out.enqueue(twice.subarray(i, i + 10_000))
          await sleep(1)
        }
        out.close()
      },
    }),
    duplex: 'half',
  })
  assert.equal(answer.status, 200, await answer.text())
  assert.deepEqual(await contents(who), before)
})

test('each refusal says what is wrong', roostOnly('the reference answers some of these with 500'), async () => {
  const who = await signUp(pds)
  const stranger = await signUp(pds)
  for (const one of [who, stranger]) for (let i = 0; i < 5; i++) fine(await create(one, `${i}`))
  const gone = fine(await create(who, 'gone'))
  const car = await exported(who)
  fine(await procedure(pds, 'com.atproto.repo.deleteRecord', { repo: who.did, collection: POST, rkey: gone.uri.split('/').pop() }, { token: who.accessJwt }))
  const before = await latest(who)
  const bad = (body, message, how) => importRepo(who, body, how).then((answer) => refused(answer, 400, 'InvalidRequest', message))
  await bad(await exported(stranger), new RegExp(`${stranger.did}.*${who.did}`))
  await bad(car.subarray(0, car.length - 10), /ends too early/)
  const flipped = Uint8Array.from(car)
  flipped[car.length - 10] ^= 1
  await bad(flipped, /is not what its CID says/)
  await bad(new TextEncoder().encode('this is no CAR file'), /CAR file/)
  await bad(car, /Wrong request encoding/, { type: 'application/json' })
  await bad(new Uint8Array(0), /body is expected/)
  const { root, blocks } = await readCarWithRoot(car)
  const without = new BlockMap()
  for (const { cid, bytes } of blocks.entries()) if (cid.toString() !== gone.cid) without.set(cid, bytes)
  await bad(await blocksToCarFile(root, without), new RegExp(gone.cid))
  const zipped = await importRepo(who, car, { headers: { 'content-encoding': 'gzip' } })
  assert.ok([400, 415].includes(zipped.status), zipped.text)
  refused(await importRepo(who, car, { token: null }), 401, 'AuthMissing')
  const { password } = fine(await procedure(pds, `${S}createAppPassword`, { name: 'app' }, { token: who.accessJwt }))
  const app = fine(await procedure(pds, `${S}createSession`, { identifier: who.handle, password }))
  refused(await importRepo(who, car, { token: app.accessJwt }), 400, 'InvalidToken')
  assert.deepEqual(await latest(who), before)
  assert.equal((await listed(who)).length, 5)
})

test('an operator may bound imports, or take none', roostOnly('413 for a body that is too large'), async () => {
  const small = await another({ env: { PDS_MAX_REPO_IMPORT_SIZE: '2000' } })
  const who = await signUp(small)
  const little = await exported(who, small)
  fine(await importRepo(who, little, { at: small }))
  for (let i = 0; i < 20; i++) fine(await create(who, `${i}`, small))
  refused(await importRepo(who, await exported(who, small), { at: small }), 413, 'PayloadTooLarge')
  await small.restart({ env: { PDS_ACCEPTING_REPO_IMPORTS: 'false' } })
  refused(await importRepo(who, little, { at: small }), 400, 'InvalidRequest', 'Service is not accepting repo imports')
  assert.equal((await listed(who, POST, small)).length, 20)
})

test('a deleted account is gone at once', async () => {
  const who = await signUp(pds)
  await fill(who, 300)
  const { uri } = fine(await create(who, 'last'))
  fine(await asAdmin(pds, 'com.atproto.admin.deleteAccount', { did: who.did }))
  refused(await query(pds, `${R}getRecord`, { query: { repo: who.did, collection: POST, rkey: rkeyOf(uri) } }), 400, 'RecordNotFound')
  refused(await query(pds, 'com.atproto.sync.getLatestCommit', { query: { did: who.did } }), 400, 'RepoNotFound')
  const { repos } = fine(await query(pds, 'com.atproto.sync.listRepos', { query: { limit: 1000 } }))
  assert.ok(!repos.some((one) => one.did === who.did))
})

/** Moves an identity whose rotation key is ours from one server to another, as the guide has it. */
async function move(mover, from, to) {
  const did = mover.did
  const { did: aud } = fine(await query(to, `${S}describeServer`))
  const keypair = mover.signing
  const token = keypair
    ? await createServiceJwt({ iss: did, aud, lxm: LXM, keypair })
    : fine(await query(from, `${S}getServiceAuth`, { token: mover.accessJwt, query: { aud, lxm: LXM } })).token
  const { signingKey } = fine(await procedure(to, `${S}reserveSigningKey`, { did }))
  const wish = { handle: mover.handle, email: mover.email, password: mover.password, did }
  const made = fine(await procedure(to, LXM, wish, { token }))
  const there = { ...mover, ...made, signing: undefined }
  if (from) fine(await importRepo(there, await exported(mover, from), { at: to }))
  const advice = await query(to, 'com.atproto.identity.getRecommendedDidCredentials', { token: there.accessJwt })
  const atproto = advice.status === 200 ? advice.body.verificationMethods.atproto : signingKey
  const neighbour = await signUp(to)
  const { rotationKeys } = await plc.client.getDocumentData(neighbour.did)
  const op = await plcLib.createUpdateOp(await plc.client.getLastOp(did), mover.key, (last) => ({
    ...last,
    rotationKeys: [mover.key.did(), ...rotationKeys],
    verificationMethods: { atproto },
    services: { atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: to.url } },
  }))
  await plc.client.sendOperation(did, op)
  fine(await procedure(to, `${S}activateAccount`, undefined, { token: there.accessJwt }))
  return there
}

async function wander(servers, strangers = []) {
  const traveller = await newcomer(plc, 'n')
  let who = await move({ ...traveller, signing: traveller.key }, undefined, servers[0])
  await fill(who, 250, servers[0])
  const expected = await contents(who, servers[0])
  assert.equal(expected.size, 253)
  for (let i = 1; i < servers.length; i++) {
    const [from, to] = [servers[i - 1], servers[i]]
    const { rev } = await latest(who, from)
    who = await move(who, from, to)
    // Another server may leave the old signature until the next commit.
    if (!strangers.includes(to)) assert.deepEqual(await contents(who, to), expected, `on server ${i}`)
    assert.ok((await latest(who, to)).rev > rev)
    const { uri, cid } = fine(await create(who, `hello from server ${i}`, to))
    expected.set(`${POST}/${rkeyOf(uri)}`, cid)
    assert.deepEqual(await contents(who, to), expected, `on server ${i}, after a write`)
    fine(await procedure(from, `${S}deactivateAccount`, {}, { token: (await session(who, from)).accessJwt }))
  }
}
const session = async (who, at) =>
  fine(await procedure(at, `${S}createSession`, { identifier: who.did, password: who.password }))

test('an account moves from one roost to another', roostOnly('both are the same here'), async () => {
  await wander([pds, await another()])
})

test('an account moves from another server to roost and on to it again', withOther, async () => {
  const strangers = [await another({ line: other }), await another({ line: other })]
  await wander([strangers[0], pds, strangers[1]], strangers)
})
