// Blobs: uploaded, referred to by records, handed out, and gone again.
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { after, test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import { asAdmin, fine, procedure, query, refused } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { sleep, until } from './lib/net.mjs'
import { signUp } from './lib/people.mjs'
import { startS3 } from './lib/s3.mjs'
import { clock } from './lib/server.mjs'
import { roostOnly } from './lib/where.mjs'

const MB = 1024 * 1024
const HOUR = 3600
const { pds, another } = await house({ mail: false })
const R = 'com.atproto.repo.'
const Y = 'com.atproto.sync.'
const PNG = Buffer.concat([
  Buffer.from('89504e470d0a1a0a0000000d494844520000000100000001080600000 01f15c489'.replace(' ', ''), 'hex'),
  crypto.randomBytes(20_000),
])

const upload = (who, body, type = 'image/png', at = pds, headers = {}) =>
  procedure(at, R + 'uploadBlob', body, { token: who.accessJwt, headers: { 'content-type': type, ...headers } })
const uploaded = async (...of) => fine(await upload(...of)).blob
const post = (who, blobs, at = pds) =>
  procedure(
    at,
    R + 'createRecord',
    {
      repo: who.did,
      collection: 'app.bsky.feed.post',
      record: {
        $type: 'app.bsky.feed.post',
        text: 'a picture',
        createdAt: new Date().toISOString(),
        embed: { $type: 'app.bsky.embed.images', images: blobs.map((image) => ({ image, alt: '' })) },
      },
    },
    { token: who.accessJwt },
  )
const posted = async (...of) => fine(await post(...of))
const remove = async (who, uri, at = pds) =>
  fine(
    await procedure(
      at,
      R + 'deleteRecord',
      { repo: who.did, collection: 'app.bsky.feed.post', rkey: uri.split('/').at(-1) },
      { token: who.accessJwt },
    ),
  )
const cidOf = (blob) => blob.ref.$link
const url = (did, cid, at = pds) => `${at.url}/xrpc/${Y}getBlob?did=${encodeURIComponent(did)}&cid=${cid}`
async function get(who, cid, { headers, method, at = pds } = {}) {
  const answer = await fetch(url(who.did, cid, at), { headers, method, signal: AbortSignal.timeout(30_000) })
  return { status: answer.status, headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) }
}
const gone = async (who, cid, at = pds) =>
  refused(await query(at, Y + 'getBlob', { query: { did: who.did, cid } }), 400, 'InvalidRequest', 'Blob not found')
const filesIn = (folder) =>
  fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
const files = (at = pds) => filesIn(path.join(at.data, 'blocks'))
// A worker removes what was spooled; the answer may be first.
const spoolIsEmpty = (at) =>
  until('the spool to be empty', () => !filesIn(at.data).some((name) => name.endsWith('.upload')))

test('an image, a post with it, and the same bytes back', async () => {
  const alice = await signUp(pds)
  const agent = new AtpAgent({ service: pds.url })
  await agent.login({ identifier: alice.handle, password: alice.password })
  const { data } = await agent.uploadBlob(PNG, { encoding: 'image/png' })
  assert.equal(data.blob.mimeType, 'image/png')
  assert.equal(data.blob.size, PNG.length)
  const cid = data.blob.ref.toString()
  await gone(alice, cid) // nobody has it before a record refers to it
  assert.deepEqual(fine(await query(pds, Y + 'listBlobs', { query: { did: alice.did } })).cids, [])
  const { uri } = await agent.post({
    text: 'a picture',
    embed: { $type: 'app.bsky.embed.images', images: [{ image: data.blob, alt: 'noise' }] },
  })
  const got = await agent.com.atproto.sync.getBlob({ did: alice.did, cid })
  assert.ok(Buffer.from(got.data).equals(PNG))
  assert.deepEqual(fine(await query(pds, Y + 'listBlobs', { query: { did: alice.did } })), { cursor: cid, cids: [cid] })
  assert.equal(fine(await query(pds, Y + 'listBlobs', { query: { did: alice.did, cursor: cid } })).cids.length, 0)
  const status = await agent.com.atproto.server.checkAccountStatus()
  assert.deepEqual([status.data.expectedBlobs, status.data.importedBlobs], [1, 1])
  assert.deepEqual(fine(await query(pds, R + 'listMissingBlobs', { token: alice.accessJwt })), { blobs: [] })

  await agent.deletePost(uri)
  await gone(alice, cid)
  assert.deepEqual(fine(await query(pds, Y + 'listBlobs', { query: { did: alice.did } })).cids, [])
})

test('headers, HEAD, ranges', async () => {
  const alice = await signUp(pds)
  const blob = await uploaded(alice, PNG)
  await posted(alice, [blob])
  const cid = cidOf(blob)
  const whole = await get(alice, cid)
  assert.equal(whole.status, 200)
  assert.ok(whole.bytes.equals(PNG))
  const expected = {
    'content-type': 'image/png',
    'content-length': String(PNG.length),
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    'content-disposition': `attachment; filename="${cid}"`,
  }
  for (const [name, value] of Object.entries(expected)) assert.equal(whole.headers.get(name), value, name)
  assert.equal(whole.headers.get('transfer-encoding'), null)
  assert.match(whole.headers.get('cache-control'), /max-age/)
  const head = await get(alice, cid, { method: 'HEAD' })
  assert.equal(head.status, 200)
  assert.equal(head.bytes.length, 0)
  for (const [name, value] of Object.entries(expected)) assert.equal(head.headers.get(name), value, name)

  const part = await get(alice, cid, { headers: { range: 'bytes=100-199' } })
  assert.equal(part.status, 206)
  assert.equal(part.headers.get('content-range'), `bytes 100-199/${PNG.length}`)
  assert.equal(part.headers.get('content-length'), '100')
  assert.ok(part.bytes.equals(PNG.subarray(100, 200)))
  const end = await get(alice, cid, { headers: { range: 'bytes=-10' } })
  assert.ok(end.bytes.equals(PNG.subarray(PNG.length - 10)))
  const beyond = await get(alice, cid, { headers: { range: `bytes=${PNG.length}-` } })
  assert.equal(beyond.status, 416)
  assert.equal(beyond.headers.get('content-range'), `bytes */${PNG.length}`)
  assert.equal((await get(alice, cid, { headers: { range: 'bytes=0-1,5-6' } })).status, 200)

  const tag = whole.headers.get('etag')
  const known = await get(alice, cid, { headers: { 'if-none-match': tag } })
  assert.equal(known.status, 304)
  assert.equal(known.bytes.length, 0)
  assert.equal((await get(alice, cid, { headers: { 'if-range': tag, range: 'bytes=0-0' } })).status, 206)
  assert.equal((await get(alice, cid, { headers: { 'if-range': '"other"', range: 'bytes=0-0' } })).status, 200)
})

test('the type is what the content is, and active content stays inert', async () => {
  const alice = await signUp(pds)
  assert.equal((await uploaded(alice, PNG, 'text/html')).mimeType, 'image/png')
  const page = '<!doctype html><script>alert(1)</script>'
  const html = await uploaded(alice, page, 'Text/HTML; charset=utf-8')
  assert.equal(html.mimeType, 'text/html')
  fine(
    await procedure(
      pds,
      R + 'createRecord',
      { repo: alice.did, collection: 'org.example.page', record: { $type: 'org.example.page', page: html } },
      { token: alice.accessJwt },
    ),
  )
  const served = await get(alice, cidOf(html))
  assert.equal(served.bytes.toString(), page)
  assert.equal(served.headers.get('content-security-policy'), "default-src 'none'; sandbox")
  assert.equal(served.headers.get('x-content-type-options'), 'nosniff')
  assert.match(served.headers.get('content-disposition'), /^attachment/)
  refused(await upload(alice, 'x', 'nonsense'), 400, 'InvalidRequest', /Content-Type/)
  refused(await upload(alice, 'x', 'image/png', pds, { 'content-encoding': 'gzip' }), 415, 'UnsupportedEncoding')
  refused(await upload({ accessJwt: undefined }, PNG), 401, 'AuthMissing')
})

test('a record refers to what was uploaded, by the same account', async () => {
  const alice = await signUp(pds)
  const mallory = await signUp(pds)
  const blob = await uploaded(alice, PNG)
  refused(await post(mallory, [blob]), 400, 'BlobNotFound', `Could not find blob: ${cidOf(blob)}`)
  refused(await post(alice, [{ ...blob, mimeType: 'image/jpeg' }]), 400, 'InvalidMimeType')
  refused(await post(alice, [{ ...blob, size: blob.size - 1 }]), 400, 'InvalidSize')
  const { uri } = await posted(alice, [blob])
  await gone(mallory, cidOf(blob))
  const own = await uploaded(mallory, PNG)
  await posted(mallory, [own])
  await remove(alice, uri)
  await gone(alice, cidOf(blob))
  assert.ok((await get(mallory, cidOf(blob))).bytes.equals(PNG))
})

test('a blob stays while any record refers to it, and then its file goes', async () => {
  const alice = await signUp(pds)
  const bytes = crypto.randomBytes(5000)
  const blob = await uploaded(alice, bytes, 'image/png')
  const [first, second] = [await posted(alice, [blob]), await posted(alice, [blob])]
  const own = () => files().filter((name) => name.includes(cidOf(blob)))
  assert.equal(own().length, 1)
  assert.equal(fs.statSync(own()[0]).mode & 0o777, 0o600)
  await remove(alice, first.uri)
  assert.equal((await get(alice, cidOf(blob))).status, 200)
  await remove(alice, second.uri)
  await gone(alice, cidOf(blob))
  // Uploaded again before the file is gone: it is a new one.
  await posted(alice, [await uploaded(alice, bytes, 'image/png')])
  await until('the old file to go', () => own().length === 1, 15_000)
  assert.ok((await get(alice, cidOf(blob))).bytes.equals(bytes))
})

test('a deleted account leaves no files', roostOnly('when the reference removes them is its own'), async () => {
  const alice = await signUp(pds)
  const blob = await uploaded(alice, crypto.randomBytes(3000), 'image/png')
  await posted(alice, [blob])
  fine(await asAdmin(pds, 'com.atproto.admin.deleteAccount', { did: alice.did }))
  await until('its file to go', () => !files().some((name) => name.includes(cidOf(blob))), 15_000)
})

/** The peak of the server's resident memory, in bytes. */
function memory(at) {
  // setpriv execs the server, so the pid is its own.
  return Number(fs.readFileSync(`/proc/${at.pid}/status`, 'utf8').match(/VmRSS:\s+(\d+) kB/)[1]) * 1024
}
/** POSTs so many bytes without holding them here; watches the server's memory meanwhile. */
function pour(at, who, size, { declared = true } = {}) {
  return new Promise((resolve, reject) => {
    let most = 0
    const piece = Buffer.alloc(MB, 'x')
    const request = http.request(`${at.url}/xrpc/${R}uploadBlob`, {
      method: 'POST',
      agent: false,
      headers: {
        authorization: `Bearer ${who.accessJwt}`,
        'content-type': 'video/mp4',
        ...(declared && { 'content-length': String(size) }),
      },
    })
    let answer
    request.on('response', (response) => {
      const pieces = []
      response.on('data', (data) => pieces.push(data))
      response.on('end', () => {
        const text = Buffer.concat(pieces).toString()
        answer = { status: response.statusCode, text, body: JSON.parse(text), most }
        resolve(answer)
      })
    })
    request.on('error', (error) => answer ?? setTimeout(() => (answer ? undefined : reject(error)), 500))
    let left = size
    const go = () => {
      while (left > 0 && !request.destroyed && !answer) {
        const now = Math.min(left, piece.length)
        left -= now
        most = Math.max(most, memory(at))
        if (!request.write(piece.subarray(0, now))) return request.once('drain', go)
      }
      request.end()
    }
    go()
  })
}

test('100 MB pass through, and memory stays flat', roostOnly('a promise of ours'), async () => {
  const big = await another({ env: { PDS_BLOB_UPLOAD_LIMIT: String(200 * MB) } })
  const alice = await signUp(big)
  await uploaded(alice, crypto.randomBytes(MB), 'video/mp4', big)
  const before = memory(big)
  const answer = await pour(big, alice, 100 * MB)
  assert.equal(answer.status, 200, answer.text)
  assert.equal(answer.body.blob.size, 100 * MB)
  assert.ok(answer.most - before < 20 * MB, `grew by ${(answer.most - before) / MB} MB`)
})

test('too large: by what is announced, and by what comes', async () => {
  const alice = await signUp(pds)
  const announced = await pour(pds, alice, 6 * MB)
  refused(announced, 413, 'PayloadTooLarge')
  const chunked = await pour(pds, alice, 6 * MB, { declared: false })
  refused(chunked, 413, 'PayloadTooLarge')
  const limit = fine(await query(pds, 'com.atproto.server.describeServer')).blobUploadLimit
  assert.equal(limit, 5 * MB)
  assert.equal((await uploaded(alice, crypto.randomBytes(limit), 'video/mp4')).size, limit)
})

test('quota, and a disk that is nearly full', roostOnly('settings of its own'), async () => {
  const small = await another({ env: { ROOST_ACCOUNT_BLOB_LIMIT: String(MB) } })
  const alice = await signUp(small)
  await uploaded(alice, crypto.randomBytes(MB - 10), 'image/png', small)
  refused(await upload(alice, crypto.randomBytes(11), 'image/png', small), 400, 'BlobQuotaExceeded')
  await uploaded(alice, crypto.randomBytes(10), 'image/png', small)
  await small.restart({ env: { ROOST_FREE_SPACE_MIN: String(2 ** 50) } })
  const bob = await signUp(small)
  refused(await upload(bob, PNG, 'image/png', small), 507, 'InsufficientStorage')
  await spoolIsEmpty(small)
})

test('temporary blobs expire', { ...clock, ...roostOnly('a promise of ours') }, async () => {
  const late = await another()
  const alice = await signUp(late)
  const kept = await uploaded(alice, PNG, 'image/png', late)
  await posted(alice, [kept], late)
  const forgotten = await uploaded(alice, crypto.randomBytes(1000), 'image/png', late)
  const isThere = () => files(late).some((name) => name.includes(cidOf(forgotten)))
  await late.restart({ ahead: 20 * HOUR })
  await sleep(500)
  assert.ok(isThere())
  await late.restart({ ahead: 25 * HOUR })
  await until('it to go', () => !isThere(), 15_000)
  assert.ok((await get(alice, cidOf(kept), { at: late })).bytes.equals(PNG))
})

test('a server that is killed while it takes uploads in leaves nothing behind', roostOnly('a promise of ours'), async () => {
  const weak = await another()
  const alice = await signUp(weak)
  const acknowledged = []
  let running = true
  const flood = Array.from({ length: 4 }, async () => {
    while (running) {
      const bytes = crypto.randomBytes(50_000)
      try {
        acknowledged.push([cidOf(fine(await upload(alice, bytes, 'image/png', weak)).blob), bytes])
      } catch {}
    }
  })
  await until('uploads', () => acknowledged.length > 20)
  await weak.kill9()
  running = false
  await Promise.all(flood)
  await weak.restart()
  await until('what was left to be settled', () => !files(weak).some((name) => name.endsWith('.upload')), 10_000)
  for (const [cid, bytes] of acknowledged) {
    const [file] = files(weak).filter((name) => name.includes(cid))
    assert.ok(file && fs.readFileSync(file).equals(bytes), 'what was acknowledged is there')
  }
  // Each file has its row, acknowledged or not: all of them expire.
  const rows = files(weak).length
  assert.ok(rows <= acknowledged.length + 4, `${rows} files of ${acknowledged.length} uploads`)
})

test('blobs in an S3 store', async () => {
  const s3 = await startS3()
  after(() => s3.close())
  const far = await another({ env: { ...s3.env, PDS_BLOBSTORE_S3_UPLOAD_TIMEOUT_MS: '3000' } })
  const alice = await signUp(far)
  const bytes = crypto.randomBytes(3 * MB)
  const blob = await uploaded(alice, bytes, 'video/mp4', far)
  const cid = cidOf(blob)
  assert.equal(blob.size, bytes.length)
  await gone(alice, cid, far)
  const { uri } = fine(
    await procedure(
      far,
      R + 'createRecord',
      { repo: alice.did, collection: 'org.example.file', record: { $type: 'org.example.file', file: blob } },
      { token: alice.accessJwt },
    ),
  )
  const whole = await get(alice, cid, { at: far })
  assert.equal(whole.status, 200)
  assert.equal(whole.headers.get('content-length'), String(bytes.length))
  assert.ok(whole.bytes.equals(bytes))
  const part = await get(alice, cid, { at: far, headers: { range: 'bytes=1000000-2000000' } })
  assert.equal(part.status, 206)
  assert.ok(part.bytes.equals(bytes.subarray(1000000, 2000001)))
  assert.equal((await get(alice, cid, { at: far, method: 'HEAD' })).headers.get('content-length'), String(bytes.length))
  await uploaded(alice, bytes, 'video/mp4', far) // the same again: nothing is sent
  assert.equal(s3.requests.filter((request) => request.method === 'PUT').length, 1)
  assert.equal(s3.files().length, 1)
  await spoolIsEmpty(far)
  fine(
    await procedure(
      far,
      R + 'deleteRecord',
      { repo: alice.did, collection: 'org.example.file', rkey: uri.split('/').at(-1) },
      { token: alice.accessJwt },
    ),
  )
  await gone(alice, cid, far)
  await until('the object to go', () => s3.files().length === 0, 15_000)
  await s3.close()
  const answer = await upload(alice, crypto.randomBytes(1000), 'image/png', far)
  assert.ok([502, 504].includes(answer.status), answer.text)
})
