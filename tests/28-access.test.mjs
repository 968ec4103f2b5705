// Who sees what: records and blobs that are taken down, repositories that are closed, parts of
// repositories with their proof, uploads by a service, and what this server says of itself.
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import { BlockMap, MST, MemoryBlockstore, blocksToCarFile, def, readCarWithRoot, verifyCommitSig, verifyProofs } from '@atproto/repo'
import { asAdmin, basic, fine, procedure, query, refused } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { parts } from './lib/jwt.mjs'
import { signUp } from './lib/people.mjs'
import { roostOnly } from './lib/where.mjs'

const { plc, pds } = await house({ mail: false })
const POST = 'app.bsky.feed.post'
const PNG = () =>
  Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d494844520000000100000001080600000', 'hex'), crypto.randomBytes(500)])
const now = () => new Date().toISOString()
const post = (text, more = {}) => ({ $type: POST, text, createdAt: now(), ...more })
const create = async (who, record) =>
  fine(
    await procedure(
      pds,
      'com.atproto.repo.createRecord',
      { repo: who.did, collection: record.$type, record },
      { token: who.accessJwt },
    ),
  )
const upload = (token, body) =>
  procedure(pds, 'com.atproto.repo.uploadBlob', body, { token, headers: { 'content-type': 'image/png' } })
const rkeyOf = (uri) => uri.split('/').at(-1)
const admin = () => {
  const agent = new AtpAgent({ service: pds.url })
  for (const [name, value] of Object.entries(basic(pds.adminPassword))) agent.setHeader(name, value)
  return agent.com.atproto.admin
}
const statusOf = async (params) => (await admin().getSubjectStatus(params)).data
const update = (subject, applied, ref) => admin().updateSubjectStatus({ subject, takedown: { applied, ref } })
const keyOf = async (who) => (await plc.client.getDocumentData(who.did)).verificationMethods.atproto
const sync = (method, params, options) => query(pds, `com.atproto.sync.${method}`, { query: params, ...options })
async function bytesOf(method, params) {
  const url = new URL(`/xrpc/com.atproto.sync.${method}`, pds.url)
  for (const [name, value] of Object.entries(params)) url.searchParams.append(name, value)
  const answer = await fetch(url)
  assert.equal(answer.status, 200, method)
  return new Uint8Array(await answer.arrayBuffer())
}

test('a record that is taken down is hidden, and comes back', async () => {
  const who = await signUp(pds)
  const { uri, cid } = await create(who, post('bad'))
  const other = await create(who, post('good'))
  const subject = { $type: 'com.atproto.repo.strongRef', uri, cid }
  assert.deepEqual(await statusOf({ uri }), { subject, takedown: { applied: false } })
  const done = await update(subject, true, 'case-7')
  assert.deepEqual(done.data, { subject, takedown: { applied: true, ref: 'case-7' } })
  assert.deepEqual(await statusOf({ uri }), { subject, takedown: { applied: true, ref: 'case-7' } })
  const ask = { query: { repo: who.did, collection: POST, rkey: rkeyOf(uri) } }
  const list = async () =>
    fine(await query(pds, 'com.atproto.repo.listRecords', { query: { repo: who.did, collection: POST } })).records.map((one) => one.uri)
  refused(await query(pds, 'com.atproto.repo.getRecord', ask), 400, 'RecordNotFound')
  assert.deepEqual(await list(), [other.uri])
  assert.equal((await sync('getRecord', { did: who.did, collection: POST, rkey: rkeyOf(uri) })).status, 200, 'the repository stays as it was signed')
  await update(subject, false)
  assert.deepEqual((await statusOf({ uri })).takedown, { applied: false })
  assert.equal(fine(await query(pds, 'com.atproto.repo.getRecord', ask)).cid, cid)
  assert.deepEqual((await list()).sort(), [uri, other.uri].sort())
})

test('a blob that is taken down is refused, also when it comes again', async () => {
  const who = await signUp(pds)
  const bytes = PNG()
  const { blob } = fine(await upload(who.accessJwt, bytes))
  const cid = blob.ref.$link
  const record = post('a picture', { embed: { $type: 'app.bsky.embed.images', images: [{ image: blob, alt: '' }] } })
  const { uri } = await create(who, record)
  const subject = { $type: 'com.atproto.admin.defs#repoBlobRef', did: who.did, cid }
  assert.deepEqual(await statusOf({ did: who.did, blob: cid }), { subject, takedown: { applied: false } })
  await update({ ...subject, recordUri: uri }, true, 'case-8')
  assert.deepEqual(await statusOf({ did: who.did, blob: cid }), { subject, takedown: { applied: true, ref: 'case-8' } })
  refused(await sync('getBlob', { did: who.did, cid }), 400, 'InvalidRequest', 'Blob not found')
  refused(await upload(who.accessJwt, bytes), 400, 'InvalidRequest', 'Blob has been takendown, cannot re-upload')
  assert.deepEqual(fine(await sync('listBlobs', { did: who.did })).cids, [cid])
  assert.equal(fine(await query(pds, 'com.atproto.repo.getRecord', { query: { repo: who.did, collection: POST, rkey: rkeyOf(uri) } })).uri, uri)
  await update(subject, false)
  assert.equal((await sync('getBlob', { did: who.did, cid })).status, 200)
})

test('subjects that are not there, or are none', async () => {
  const who = await signUp(pds)
  const get = (params) => query(pds, 'com.atproto.admin.getSubjectStatus', { query: params, headers: basic(pds.adminPassword) })
  const cid = 'bafkreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a'
  refused(await get({}), 400, 'InvalidRequest', 'No provided subject')
  refused(await get({ blob: cid }), 400, 'InvalidRequest', 'Must provide a did to request blob state')
  refused(await get({ did: who.did, blob: cid }), 400, 'NotFound', 'Subject not found')
  refused(await get({ uri: `at://${who.did}/${POST}/3jzfcijpj2z2a` }), 400, 'NotFound', 'Subject not found')
  const put = (subject) =>
    asAdmin(pds, 'com.atproto.admin.updateSubjectStatus', { subject, takedown: { applied: true } })
  fine(await put({ $type: 'com.atproto.repo.strongRef', uri: `at://${who.did}/${POST}/3jzfcijpj2z2a`, cid }))
  fine(await put({ $type: 'com.atproto.admin.defs#repoBlobRef', did: who.did, cid }))
  refused(await put({ $type: 'com.example.thing' }), 400, 'InvalidRequest', 'Invalid subject (com.example.thing)')
  const nobody = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
  refused(await put({ $type: 'com.atproto.admin.defs#repoBlobRef', did: nobody, cid }), 400, 'NotFound')
  const asUser = await procedure(pds, 'com.atproto.admin.updateSubjectStatus', { subject: {}, takedown: { applied: true } }, { token: who.accessJwt })
  refused(asUser, 401, 'UntrustedIss')
})

test('a closed repository is open to its owner and the administrator', async () => {
  const who = await signUp(pds)
  const stranger = await signUp(pds)
  const { blob } = fine(await upload(who.accessJwt, PNG()))
  const { uri, commit } = await create(who, post('mine', { embed: { $type: 'app.bsky.embed.images', images: [{ image: blob, alt: '' }] } }))
  const did = who.did
  const asks = [
    ['getRepo', { did }],
    ['getCheckout', { did }],
    ['getHead', { did }],
    ['getLatestCommit', { did }],
    ['getBlocks', { did, cids: [commit.cid] }],
    ['getRecord', { did, collection: POST, rkey: rkeyOf(uri) }],
    ['getBlob', { did, cid: blob.ref.$link }],
    ['listBlobs', { did }],
  ]
  fine(await procedure(pds, 'com.atproto.server.deactivateAccount', {}, { token: who.accessJwt }))
  for (const [method, params] of asks) {
    refused(await sync(method, params), 400, 'RepoDeactivated')
    refused(await sync(method, params, { token: stranger.accessJwt }), 400, 'RepoDeactivated')
    const own = await sync(method, params, { token: who.accessJwt })
    assert.equal(own.status, 200, `${method}: ${own.text}`)
    assert.equal(own.headers.get('cache-control'), 'private')
    const forAdmin = await sync(method, params, { headers: basic(pds.adminPassword) })
    assert.equal(forAdmin.status, 200, `${method}: ${forAdmin.text}`)
    refused(await sync(method, params, { headers: basic('wrong') }), 401, 'AuthenticationRequired')
    refused(await sync(method, params, { token: 'no.token.atall' }), 400, 'InvalidToken')
  }
  fine(await procedure(pds, 'com.atproto.server.activateAccount', undefined, { token: who.accessJwt }))

  fine(
    await asAdmin(pds, 'com.atproto.admin.updateSubjectStatus', {
      subject: { $type: 'com.atproto.admin.defs#repoRef', did },
      takedown: { applied: true },
    }),
  )
  // A session on a taken down account is opened to move away: it reads what is needed for that.
  const { accessJwt } = fine(
    await procedure(pds, 'com.atproto.server.createSession', { identifier: who.handle, password: who.password, allowTakendown: true }),
  )
  for (const [method, params] of asks) {
    refused(await sync(method, params), 400, 'RepoTakendown')
    const forAdmin = await sync(method, params, { headers: basic(pds.adminPassword) })
    assert.equal(forAdmin.status, 200, `${method}: ${forAdmin.text}`)
    const own = await sync(method, params, { token: accessJwt })
    if (['getRepo', 'getBlob', 'listBlobs'].includes(method)) assert.equal(own.status, 200, `${method}: ${own.text}`)
    else refused(own, 400, 'InvalidToken', 'Bad token scope')
  }
})

test('a service uploads with a token of the account', async () => {
  const who = await signUp(pds)
  const tokenFor = async (lxm, aud = pds.did) =>
    fine(
      await query(pds, 'com.atproto.server.getServiceAuth', {
        token: who.accessJwt,
        query: { aud, lxm, exp: Math.floor(Date.now() / 1000) + 1800 },
      }),
    ).token
  const lxm = 'com.atproto.repo.uploadBlob'
  const token = await tokenFor(lxm)
  assert.equal(parts(token).payload.lxm, lxm)
  const { blob } = fine(await upload(token, PNG()))
  const record = post('made by a service', { embed: { $type: 'app.bsky.embed.images', images: [{ image: blob, alt: '' }] } })
  await create(who, record)
  assert.deepEqual(fine(await sync('listBlobs', { did: who.did })).cids, [blob.ref.$link], 'it is the account’s')
  refused(await upload(await tokenFor('com.atproto.repo.createRecord'), PNG()), 401, 'BadJwtLexiconMethod')
  refused(await upload(await tokenFor(lxm, 'did:web:elsewhere.test'), PNG()), 401, 'BadJwtAudience')
  const write = await procedure(
    pds,
    'com.atproto.repo.createRecord',
    { repo: who.did, collection: POST, record: post('no') },
    { token: await tokenFor('com.atproto.repo.createRecord') },
  )
  assert.equal(write.status, 400, 'other methods take no such token')
  const late = await tokenFor(lxm)
  fine(
    await asAdmin(pds, 'com.atproto.admin.updateSubjectStatus', {
      subject: { $type: 'com.atproto.admin.defs#repoRef', did: who.did },
      takedown: { applied: true },
    }),
  )
  refused(await upload(late, PNG()), 401, 'AccountTakedown')
})

test('getHostStatus: this host, and no other', roostOnly('the reference does not serve it'), async () => {
  const status = fine(await sync('getHostStatus', { hostname: 'localhost' }))
  const { repos } = fine(await sync('listRepos', { limit: 1000 }))
  assert.equal(status.hostname, 'localhost')
  assert.equal(status.status, 'active')
  assert.equal(status.accountCount, repos.length)
  assert.ok(status.seq > 1e15 && status.seq < 2 ** 53)
  await signUp(pds)
  const later = fine(await sync('getHostStatus', { hostname: 'localhost' }))
  assert.equal(later.accountCount, repos.length + 1)
  assert.ok(later.seq > status.seq)
  refused(await sync('getHostStatus', { hostname: 'pds.example.com' }), 400, 'HostNotFound')
  refused(await sync('getHostStatus', {}), 400, 'InvalidRequest')
})

const ownParameter = roostOnly('a parameter of its own')

/**
 * What a subset of a repository proves: every node whose range of keys meets that of the collection must be there, and
 * so must the records. Reads with the nodes of @atproto/repo.
 */
async function proven(car, collection) {
  const { root, blocks } = await readCarWithRoot(car)
  const storage = new MemoryBlockstore(blocks)
  const commit = await storage.readObj(root, def.commit)
  const [from, end] = [`${collection}/`, `${collection}0`]
  const found = new Map()
  const nodes = []
  const walk = async (tree, left, right) => {
    nodes.push((await tree.getPointer()).toString())
    const entries = await tree.getEntries()
    const keys = entries.map((one) => (one.isLeaf() ? one.key : undefined))
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]
      if (entry.isLeaf()) {
        if (entry.key >= from && entry.key < end) found.set(entry.key, entry.value)
        continue
      }
      const before = keys[i - 1] ?? left
      const after = keys[i + 1] ?? right
      if ((before === undefined || before < end) && (after === undefined || after > from)) await walk(entry, before, after)
    }
  }
  await walk(MST.load(storage, commit.data), undefined, undefined)
  for (const cid of found.values()) await storage.readObj(cid, def.map)
  return { commit, found, nodes, blocks }
}

test('getRepo of a collection: the records, and the proof that these are all', ownParameter, async () => {
  const who = await signUp(pds)
  const kinds = ['app.bsky.feed.like', POST, 'app.bsky.graph.block', 'com.example.one']
  for (let batch = 0; batch < 4; batch++)
    fine(
      await procedure(
        pds,
        'com.atproto.repo.applyWrites',
        {
          repo: who.did,
          validate: false,
          writes: kinds.flatMap((collection) =>
            Array.from({ length: 40 }, () => ({
              $type: 'com.atproto.repo.applyWrites#create',
              collection,
              value: { $type: collection, at: now(), n: crypto.randomInt(2 ** 40) },
            })),
          ),
        },
        { token: who.accessJwt },
      ),
    )
  const whole = await readCarWithRoot(await bytesOf('getRepo', { did: who.did }))
  for (const collection of kinds) {
    const car = await bytesOf('getRepo', { did: who.did, collection })
    const { found, nodes, blocks, commit } = await proven(car, collection)
    const listed = new Map()
    for (let cursor; ; ) {
      const page = fine(await query(pds, 'com.atproto.repo.listRecords', { query: { repo: who.did, collection, limit: 100, ...(cursor && { cursor }) } }))
      for (const one of page.records) listed.set(`${collection}/${rkeyOf(one.uri)}`, one.cid)
      if (!(cursor = page.cursor)) break
    }
    assert.equal(listed.size, 160)
    assert.deepEqual(new Map([...found].map(([key, cid]) => [key, cid.toString()]).sort()), new Map([...listed].sort()))
    assert.equal(blocks.size, 1 + new Set(nodes).size + found.size, 'nothing else is in it')
    assert.equal(commit.did, who.did)
    const claims = [...found].map(([key, cid]) => ({ collection, rkey: key.split('/')[1], cid }))
    const absent = { collection, rkey: '3jzfcijpj2z2a', cid: null }
    const checked = await verifyProofs(car, [...claims, absent], who.did, await keyOf(who))
    assert.deepEqual([checked.verified.length, checked.unverified.length], [161, 0])
    assert.ok(blocks.size < whole.blocks.size / 2)
    for (const cid of blocks.cids()) assert.ok(whole.blocks.has(cid))
  }
  const none = await proven(await bytesOf('getRepo', { did: who.did, collection: 'app.bsky.feed.none' }), 'app.bsky.feed.none')
  assert.equal(none.found.size, 0)
  assert.ok(await verifyCommitSig(none.commit, await keyOf(who)))
  assert.ok(none.blocks.size < 12, 'a path down proves that there is nothing')
  refused(await sync('getRepo', { did: who.did, collection: POST, since: '3jzfcijpj2z2a' }), 400, 'InvalidRequest', 'Either since or collection, not both')
  refused(await sync('getRepo', { did: who.did, collection: 'no nsid' }), 400, 'InvalidRequest')
  const empty = await proven(await bytesOf('getRepo', { did: (await signUp(pds)).did, collection: POST }), POST)
  assert.deepEqual([empty.found.size, empty.blocks.size], [0, 2])
})

test('a subset that was tampered with proves nothing', ownParameter, async () => {
  const who = await signUp(pds)
  for (let i = 0; i < 12; i++) await create(who, post(`number ${i}`))
  const car = await bytesOf('getRepo', { did: who.did, collection: POST })
  assert.equal((await proven(car, POST)).found.size, 12)
  // A byte changed in the middle: some block is not what its CID says.
  const changed = Uint8Array.from(car)
  changed[Math.floor(car.length / 2)] ^= 1
  await assert.rejects(proven(changed, POST))
  // A block left out.
  const { root, blocks } = await readCarWithRoot(car)
  for (const cid of blocks.cids()) {
    const fewer = new BlockMap()
    for (const { cid: other, bytes } of blocks.entries()) if (!other.equals(cid)) fewer.set(other, bytes)
    await assert.rejects(async () => proven(await blocksToCarFile(root, fewer), POST), `without ${cid}`)
  }
})
