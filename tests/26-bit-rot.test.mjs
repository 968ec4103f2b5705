// The disk changes what it holds: the damage is told, with the name of the repository, and everybody else
// goes on as before.
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { verifyRepoCar } from '@atproto/repo'
import { fine, procedure } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { until } from './lib/net.mjs'
import { signUp } from './lib/people.mjs'
import { clock } from './lib/server.mjs'
import { roostOnly } from './lib/where.mjs'

const { pds, plc } = await house({ mail: false })
const NOTE = 'org.example.note'
const options = roostOnly('changes its database')
const getRepo = async (who) => {
  const answer = await fetch(`${pds.url}/xrpc/com.atproto.sync.getRepo?did=${who.did}`)
  return { status: answer.status, bytes: new Uint8Array(await answer.arrayBuffer()) }
}
const write = (who, value) =>
  procedure(pds, 'com.atproto.repo.createRecord', { repo: who.did, collection: NOTE, record: { $type: NOTE, ...value } }, { token: who.accessJwt })
const lines = (about) =>
  pds.log().split('\n').filter((one) => one.startsWith('{')).map((one) => JSON.parse(one)).filter((one) => one.msg === about)

async function whole(who) {
  const { status, bytes } = await getRepo(who)
  assert.equal(status, 200)
  const { atproto } = (await plc.client.getDocumentData(who.did)).verificationMethods
  return (await verifyRepoCar(bytes, who.did, atproto)).creates.length
}

test('a bit of a record: the export says so, and nobody else is concerned', options, async () => {
  const [ann, bob] = [await signUp(pds), await signUp(pds)]
  const marker = crypto.randomBytes(8).toString('hex')
  for (let i = 0; i < 20; i++) for (const who of [ann, bob]) fine(await write(who, { text: `${i} of ${who.handle}` }))
  fine(await write(ann, { text: `the marker ${marker}` }))
  await pds.stop()
  const db = new DatabaseSync(path.join(pds.data, 'roost.sqlite'))
  const changed = db
    .prepare('UPDATE record SET value = CAST(replace(CAST(value AS TEXT), ?, ?) AS BLOB) WHERE instr(value, CAST(? AS BLOB)) > 0')
    .run(marker, marker.replace(/.$/, (last) => (last === '0' ? '1' : '0')), marker)
  db.close()
  assert.equal(changed.changes, 1)
  await pds.restart()
  const broken = await getRepo(ann).catch(() => ({ status: 500 })) // or it breaks off
  assert.equal(broken.status, 500)
  const told = lines('a repository is damaged')
  assert.equal(told.length, 1)
  assert.equal(told[0].did, ann.did)
  assert.match(told[0].reason, new RegExp(`^the record ${NOTE}/\\S+ is not what its CID says$`))
  assert.equal(await whole(bob), 20)
  fine(await write(bob, { text: 'one more' }))
  assert.equal(await whole(bob), 21)
})

test('a bit of a blob: the scrub finds it, and tells whose it is', { ...clock, ...options }, async () => {
  const cid = {}
  const people = [await signUp(pds), await signUp(pds)]
  for (const who of people) {
    const headers = { 'content-type': 'application/octet-stream' }
    const { blob } = fine(await procedure(pds, 'com.atproto.repo.uploadBlob', crypto.randomBytes(9000), { token: who.accessJwt, headers }))
    fine(await write(who, { file: blob }))
    cid[who.did] = blob.ref.$link
  }
  const [{ did }] = people
  const files = fs.readdirSync(path.join(pds.data, 'blocks'), { recursive: true, withFileTypes: true })
  const { parentPath, name } = files.find((one) => one.name.startsWith(cid[did]))
  const file = fs.openSync(path.join(parentPath, name), 'r+')
  const byte = Buffer.alloc(1)
  fs.readSync(file, byte, 0, 1, 4000)
  fs.writeSync(file, Buffer.from([byte[0] ^ 1]), 0, 1, 4000)
  fs.closeSync(file)
  await pds.restart({ ahead: 8 * 24 * 3600 }) // a pass over all files begins every week
  const damaged = () => lines('a blob is damaged')
  await until('the scrub to find it', () => damaged().length > 0, 60_000)
  assert.deepEqual(damaged().map((one) => [one.did, one.cid]), [[did, cid[did]]])
})
