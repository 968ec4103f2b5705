// A backup is made while the server works, and put back later: event numbers and revisions go on above all
// that was ever sent, and the repositories are whole.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { verifyRepoCar } from '@atproto/repo'
import { fine, procedure } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { sleep, until } from './lib/net.mjs'
import { signUp } from './lib/people.mjs'
import { subscribe } from './lib/stream.mjs'
import { roostOnly } from './lib/where.mjs'

const { pds, plc } = await house({ mail: false })
const NOTE = 'org.example.note'
const write = async (who, text) =>
  fine(await procedure(pds, 'com.atproto.repo.createRecord', { repo: who.did, collection: NOTE, record: { $type: NOTE, text } }, { token: who.accessJwt }))

test('numbers and revisions rise across a restore, and it is told', roostOnly('replaces its database'), async () => {
  const who = await signUp(pds)
  for (let i = 0; i < 5; i++) await write(who, `before ${i}`)
  const file = path.join(pds.data, 'roost.sqlite')
  const copy = path.join(pds.data, '..', 'backup.sqlite')
  const db = new DatabaseSync(file, { readOnly: true })
  db.prepare('VACUUM INTO ?').run(copy)
  db.close()

  const stream = await subscribe(pds)
  let lost
  for (let i = 0; i < 5; i++) lost = await write(who, `lost ${i}`)
  await stream.wait(5)
  const last = stream.last()
  await pds.stop()
  for (const end of ['', '-wal', '-shm']) fs.rmSync(file + end, { force: true })
  fs.copyFileSync(copy, file)
  await pds.restart()

  // Nobody has written since; consumers are told all the same that the repository is another one now.
  let again
  await until('the new number', async () => {
    again = await subscribe(pds, { cursor: last })
    return (await Promise.race([again.end, sleep(300)]))?.reason !== 'FutureCursor'
  })
  const [sync] = await again.wait((e) => e.body.did === who.did)
  assert.equal(sync.t, '#sync')
  assert.ok(sync.body.rev > lost.commit.rev)
  assert.ok(sync.body.seq > last)
  const next = await write(who, 'after')
  const commit = (await again.wait((e) => e.t === '#commit')).at(-1)
  assert.deepEqual([commit.body.rev, commit.body.since], [next.commit.rev, sync.body.rev])
  again.close()
  const answer = await fetch(`${pds.url}/xrpc/com.atproto.sync.getRepo?did=${who.did}`)
  const { atproto } = (await plc.client.getDocumentData(who.did)).verificationMethods
  const repo = await verifyRepoCar(new Uint8Array(await answer.arrayBuffer()), who.did, atproto)
  assert.equal(repo.creates.length, 6)
})
