// Accounts move between roost and the reference server, both ways, as the migration guide has it: did:plc, cut off after
// every step and begun again, and did:web. Records, blobs and preferences are compared afterwards.
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import http from 'node:http'
import { after, test } from 'node:test'
import { verifyRepoCar } from '@atproto/repo'
import { createServiceJwt } from '@atproto/xrpc-server'
import { Secp256k1Keypair } from '@atproto/crypto'
import { fine, procedure, query, refused } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { Migration, bytesOf, pages, throughOldServer } from './lib/migration.mjs'
import { freePort } from './lib/net.mjs'
import { logIn, person, signUp } from './lib/people.mjs'
import { subscribe } from './lib/stream.mjs'
import { other, withOther } from './lib/where.mjs'

const B = 'app.bsky.actor.'
const R = 'com.atproto.repo.'
const S = 'com.atproto.server.'
const Y = 'com.atproto.sync.'
const POST = 'app.bsky.feed.post'
const PREFERENCES = 4 // three are put, one more follows from the date of birth
const env = (name) => ({
  PDS_SERVICE_DID: `did:web:${name}.example`,
  PDS_SERVICE_HANDLE_DOMAINS: `.${name}.test`,
  // The reference keeps preferences only where there is an AppView.
  PDS_BSKY_APP_VIEW_URL: 'https://appview.example',
  PDS_BSKY_APP_VIEW_DID: 'did:web:appview.example',
})

const { plc, smtp, pds: roost, another } = await house({ env: env('roost'), named: true })
const reference = other && (await another({ line: other, env: env('reference') }))

const keyIn = async (did) => (await plc.client.getDocumentData(did)).verificationMethods.atproto
const now = () => new Date().toISOString()

/** Posts, with pictures, in a repository that has grown in several commits; and preferences. */
async function live(who, at) {
  const token = who.accessJwt
  const upload = async () => {
    const bytes = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), crypto.randomBytes(2000)])
    return fine(await procedure(at, `${R}uploadBlob`, bytes, { token, headers: { 'content-type': 'image/png' } })).blob
  }
  const create = (collection, value) => ({ $type: `${R}applyWrites#create`, collection, value: { $type: collection, createdAt: now(), ...value } })
  const write = async (writes) => fine(await procedure(at, `${R}applyWrites`, { repo: who.did, writes }, { token }))
  await write(Array.from({ length: 120 }, (_, i) => create(POST, { text: `post ${i}` })))
  for (let i = 0; i < 4; i++) {
    const images = [{ image: await upload(), alt: `picture ${i}` }]
    await write([create(POST, { text: 'look', embed: { $type: 'app.bsky.embed.images', images } }), create('app.bsky.graph.follow', { subject: who.did })])
  }
  const record = { $type: `${B}profile`, displayName: 'Ann', avatar: await upload() }
  fine(await procedure(at, `${R}putRecord`, { repo: who.did, collection: `${B}profile`, rkey: 'self', record }, { token }))
  const preferences = [
    { $type: `${B}defs#adultContentPref`, enabled: false },
    { $type: `${B}defs#savedFeedsPref`, pinned: [], saved: [] },
    { $type: `${B}defs#personalDetailsPref`, birthDate: '1990-05-06T00:00:00.000Z' },
  ]
  fine(await procedure(at, `${B}putPreferences`, { preferences }, { token }))
}

/** All that moves: records by path, blobs by CID, preferences. */
async function belongings(who, at, token, key) {
  const car = await bytesOf(at, `${Y}getRepo`, { did: who.did }, token)
  const repo = await verifyRepoCar(car.bytes, who.did, key)
  const records = new Map(repo.creates.map((one) => [`${one.collection}/${one.rkey}`, String(one.cid)]))
  const blobs = new Map()
  for (const cid of (await pages(at, `${Y}listBlobs`, { did: who.did, limit: 3 }, 'cids', { token })).sort()) {
    const { bytes, type } = await bytesOf(at, `${Y}getBlob`, { did: who.did, cid }, token)
    blobs.set(cid, { type, hash: crypto.createHash('sha256').update(bytes).digest('hex') })
  }
  const { preferences } = fine(await query(at, `${B}getPreferences`, { token }))
  return { records, blobs, preferences }
}

/** The move is complete: both servers, the directory and the stream say so, and life goes on at the new one. */
async function settled(move, before, stream, resolveKey) {
  const { who, from, to, handle } = move
  const key = await resolveKey(who.did)
  const there = fine(await logIn(to, handle, who.password))
  assert.deepEqual([there.did, there.active, there.handle], [who.did, true, handle])
  const status = await move.status()
  assert.deepEqual(
    { ...status.new, repoCommit: '', repoRev: '', repoBlocks: 0 },
    { ...status.old, activated: true, validDid: true, repoCommit: '', repoRev: '', repoBlocks: 0 },
  )
  assert.deepEqual([status.new.indexedRecords, status.new.expectedBlobs, status.new.importedBlobs], [before.records.size, 5, 5])
  assert.deepEqual([status.old.activated, status.old.validDid], [false, false])
  // The first write makes a commit by the new key: before it a server may serve the old signature.
  const record = { $type: POST, text: 'hello from here', createdAt: now() }
  const { uri, cid } = fine(await procedure(to, `${R}createRecord`, { repo: who.did, collection: POST, record }, { token: there.accessJwt }))
  const after = await belongings(who, to, there.accessJwt, key)
  before.records.set(uri.split('/').slice(3).join('/'), cid)
  assert.deepEqual(after, before)
  const mine = (await stream.wait((e) => e.t === '#commit' && e.body.repo === who.did && e.body.ops.some((op) => String(op.cid) === cid)))
    .filter((e) => (e.body.did ?? e.body.repo) === who.did)
  const kinds = mine.map((e) => e.t)
  assert.ok(kinds.includes('#identity') && kinds.includes('#account'), kinds.join())
  assert.equal(mine.findLast((e) => e.t === '#account').body.active, true)
  assert.equal(mine.findLast((e) => e.t === '#identity').body.handle, handle)
  refused(await query(from, `${Y}getRepo`, { query: { did: who.did } }), 400, 'RepoDeactivated')
  const late = await procedure(from, `${R}createRecord`, { repo: who.did, collection: POST, record }, { token: move.old })
  refused(late, 401, 'AccountDeactivated')
}

/** Moves, cut off after each step: sessions are gone, roost is killed, and all begins at the first step. */
async function interrupted(move) {
  for (let count = 1; count <= Migration.steps.length; count++) {
    await move.run(count)
    if (Migration.steps[count - 1] === 'importRepo') {
      await move.moveBlobs(2)
      const { new: status } = await move.status()
      assert.deepEqual([status.activated, status.expectedBlobs, status.importedBlobs], [false, 5, 2])
    }
    await roost.kill9()
    await roost.restart()
  }
}

const newHandle = (who, to) => `${who.handle.split('.')[0]}.${to === roost ? 'roost' : 'reference'}.test`
const oldPerson = (at) => {
  const who = person('mover')
  return { ...who, handle: newHandle(who, at) }
}

async function moves({ who, from, to, announce, resolveKey, how }) {
  await live(who, from)
  const before = await belongings(who, from, who.accessJwt, await resolveKey(who.did))
  assert.deepEqual([before.records.size, before.blobs.size, before.preferences.length], [129, 5, PREFERENCES])
  const move = new Migration({ who, from, to, handle: newHandle(who, to), announce })
  await how(move)
  const stream = await subscribe(to, { cursor: 0 })
  await settled(move, before, stream, resolveKey)
  stream.close()
}

/** A started move whose owner goes on writing at the old server. */
async function catchesUp(from, to) {
  const who = await signUp(from, oldPerson(from))
  await live(who, from)
  const move = new Migration({ who, from, to, handle: newHandle(who, to), announce: throughOldServer(plc, smtp) })
  await move.run(2)
  const old = fine(await query(from, `${R}listRecords`, { query: { repo: who.did, collection: POST, limit: 100, reverse: true } })).records
  const rkeyOf = ({ uri }) => uri.split('/').pop()
  const record = { $type: POST, text: 'one more', createdAt: now() }
  const writes = [
    ...old.slice(0, 40).map((one) => ({ $type: `${R}applyWrites#delete`, collection: POST, rkey: rkeyOf(one) })),
    ...old.slice(50, 53).map((one) => ({ $type: `${R}applyWrites#update`, collection: POST, rkey: rkeyOf(one), value: record })),
    { $type: `${R}applyWrites#create`, collection: POST, value: { ...record, text: 'and the last' } },
  ]
  fine(await procedure(from, `${R}applyWrites`, { repo: who.did, writes }, { token: who.accessJwt }))
  const whole = await bytesOf(from, `${Y}getRepo`, { did: who.did }, move.old)
  assert.ok((await move.catchUp()) < whole.bytes.length / 2, 'less than all of it is sent')
  const before = await belongings(who, from, move.old, await keyIn(who.did))
  for (const step of Migration.steps.slice(2)) await move[step]()
  const stream = await subscribe(to, { cursor: 0 })
  await settled(move, before, stream, keyIn)
  stream.close()
}

const movesPlc = async (from, to) =>
  moves({ who: await signUp(from, oldPerson(from)), from, to, announce: throughOldServer(plc, smtp), resolveKey: keyIn, how: interrupted })

/** A did:web and the site that holds its document; `key` is the one that it names. */
async function website(key) {
  const site = { key }
  const server = http.createServer((req, res) => {
    const isThere = req.url === '/.well-known/did.json'
    res.writeHead(isThere ? 200 : 404, { 'content-type': 'application/json' })
    res.end(isThere ? JSON.stringify(site.document()) : '{}')
  })
  const port = await freePort()
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
  after(() => server.close())
  site.did = `did:web:localhost%3A${port}`
  site.document = () => ({
    '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1'],
    id: site.did,
    alsoKnownAs: site.alsoKnownAs ?? [],
    verificationMethod: [
      { id: `${site.did}#atproto`, type: 'Multikey', controller: site.did, publicKeyMultibase: site.key.slice('did:key:'.length) },
    ],
    service: site.endpoint ? [{ id: '#atproto_pds', type: 'AtprotoPersonalDataServer', serviceEndpoint: site.endpoint }] : [],
  })
  /** What the guide leaves to the owner of the domain. */
  site.announce = async ({ alsoKnownAs, verificationMethods, services }) =>
    Object.assign(site, { alsoKnownAs, key: verificationMethods.atproto, endpoint: services.atproto_pds.endpoint })
  return site
}

async function movesWeb(from, to) {
  const own = await Secp256k1Keypair.create()
  const site = await website(own.did())
  const { did: aud } = fine(await query(from, `${S}describeServer`))
  const lxm = `${S}createAccount`
  const token = await createServiceJwt({ iss: site.did, aud, lxm, keypair: own })
  const wish = { ...oldPerson(from), did: site.did }
  const who = { ...wish, ...fine(await procedure(from, lxm, wish, { token })) }
  await site.announce(fine(await query(from, 'com.atproto.identity.getRecommendedDidCredentials', { token: who.accessJwt })))
  fine(await procedure(from, `${S}activateAccount`, undefined, { token: who.accessJwt }))
  await moves({ who, from, to, announce: site.announce, resolveKey: async () => site.key, how: (move) => move.run() })
}

test('a did:plc moves from the reference server to roost', withOther, () => movesPlc(reference, roost))

test('a did:plc moves from roost to the reference server', withOther, () => movesPlc(roost, reference))

test('a did:web moves from the reference server to roost', withOther, () => movesWeb(reference, roost))

test('a did:web moves from roost to the reference server', withOther, () => movesWeb(roost, reference))

test('roost catches up with what was written at the reference server meanwhile', withOther, () => catchesUp(reference, roost))

test('the reference server catches up with what was written at roost meanwhile', withOther, () => catchesUp(roost, reference))
