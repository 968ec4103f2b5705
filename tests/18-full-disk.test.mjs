// The disk is full, or fails: a write is refused and changes nothing, reads go on, and what was acknowledged
// is there, before and after.
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { test } from 'node:test'
import { fine, procedure, query } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { sleep, until } from './lib/net.mjs'
import { logIn, refresh, signUp } from './lib/people.mjs'
import { faults } from './lib/server.mjs'
import { Workload, below } from './lib/workload.mjs'
import { roostOnly } from './lib/where.mjs'

const options = { ...faults, ...roostOnly('the reference has no such promise') }
const { pds, plc, another } = options.skip ? {} : await house({ mail: false, faulty: true })
const load = options.skip ? undefined : await Workload.begin(pds, plc)

const EIO = 5
const R = 'com.atproto.repo.'
const NOTE = 'org.example.note'
const create = (at, who, record = { $type: NOTE, text: 'one more' }) =>
  procedure(at, `${R}createRecord`, { repo: who.did, collection: NOTE, record }, { token: who.accessJwt })
const upload = (at, who) =>
  procedure(at, `${R}uploadBlob`, crypto.randomBytes(5000), {
    token: who.accessJwt,
    headers: { 'content-type': 'application/octet-stream' },
  })
const health = (at) => fetch(`${at.url}/xrpc/_health`).then((answer) => answer.status)
const isFull = ({ status, body }) => (status === 507 && body.error === 'InsufficientStorage') || status === 503

async function readable(at, who) {
  fine(await query(at, `${R}listRecords`, { query: { repo: who.did, collection: NOTE } }))
  fine(await query(at, 'com.atproto.sync.getLatestCommit', { query: { did: who.did } }))
  const answer = await fetch(`${at.url}/xrpc/com.atproto.sync.getRepo?did=${who.did}`)
  assert.equal(answer.status, 200)
  assert.ok((await answer.arrayBuffer()).byteLength > 0)
}

for (let round = 1; round <= 2; round++) {
  test(`the disk is full while many write, and then it is not, round ${round}`, options, (t) =>
    load.run(async () => {
      const [who] = load.people
      load.mayRefuse = isFull
      load.start()
      await load.working(5)
      pds.disk.set({ spaceLeft: below(400_000) })
      const refused = load.refusals
      await until('refusals', () => load.failed || load.refusals > refused + 20, 20_000)
      pds.disk.set({ spaceLeft: 0 }) // a small commit might still have found room
      const count = load.acknowledged()
      for (const call of [create, upload]) {
        const answer = await call(pds, who)
        assert.ok(isFull(answer), `${answer.status} ${answer.text}`)
      }
      assert.ok(isFull(await logIn(pds, who.handle, who.password)))
      assert.ok(isFull(await refresh(pds, who.refreshJwt)))
      await readable(pds, who)
      await until('the health page to tell', async () => (await health(pds)) === 503)
      await until('a refusal by the disk itself', () => pds.disk.refused() > 0)
      const full = load.acknowledged()
      pds.disk.set({})
      await until('writes to go on', () => load.failed || load.acknowledged() >= full + 10, 10_000)
      await until('the health page to tell', async () => (await health(pds)) === 200)
      await load.stop()
      fine(await logIn(pds, who.handle, who.password))
      t.diagnostic(`${count} acknowledged before, ${load.refusals} refused so far, ${load.acknowledged()} acknowledged`)
      t.diagnostic(await load.check())
    }),
  )
}

test('killed while the disk is full, and the power fails too', options, (t) =>
  load.run(async () => {
    load.start()
    await load.working(5)
    const before = load.refusals
    pds.disk.set({ spaceLeft: below(200_000) })
    await until('refusals', () => load.failed || load.refusals > before + 10, 20_000)
    await pds.kill9()
    await load.stop()
    t.diagnostic(pds.disk.losePower({ survives: () => below(2) === 0 }))
    pds.disk.set({})
    await pds.restart()
    t.diagnostic(await load.check())
  }),
)

test('writes that fail are refused and change nothing', options, (t) =>
  load.run(async () => {
    load.mayRefuse = ({ status }) => [500, 503, 507].includes(status)
    load.start()
    await load.working(5)
    const before = load.refusals
    pds.disk.set({ writeErrno: EIO })
    await until('refusals', () => load.failed || load.refusals > before + 20, 20_000)
    await readable(pds, load.people[0])
    const broken = load.acknowledged()
    pds.disk.set({})
    await until('writes to go on', () => load.failed || load.acknowledged() >= broken + 10, 10_000)
    await load.stop()
    t.diagnostic(await load.check())
  }),
)

for (let round = 1; round <= 2; round++) {
  test(`an fsync fails: the server ends and says why, and loses nothing, round ${round}`, options, (t) =>
    load.run(async () => {
      load.mayRefuse = ({ status }) => [500, 503].includes(status)
      load.start()
      await load.working(5)
      pds.disk.set({ fsyncsLeft: below(20) })
      const end = await Promise.race([pds.ended(), sleep(10_000)])
      assert.deepEqual(end, { code: 74, signal: null }, pds.log().slice(-1000))
      await load.stop()
      assert.match(pds.log(), /fsync failed: it is unknown what is on the disk\. roost ends and must be started again; check the disk/)
      // What the disk has not confirmed may be gone.
      t.diagnostic(pds.disk.losePower({ survives: () => below(2) === 0 }))
      pds.disk.set({})
      await pds.restart()
      t.diagnostic(await load.check())
    }),
  )
}

for (const [fsyncsLeft, what] of [
  [0, 'the file'],
  [1, 'its folder'],
]) {
  test(`the fsync of a blob fails: ${what}`, options, () =>
    load.run(async () => {
      await pds.restart() // so that nothing else is to be synced
      const before = fine(await upload(pds, load.people[0])).blob
      await sleep(1500)
      pds.disk.set({ fsyncsLeft })
      await assert.rejects(upload(pds, load.people[0]))
      assert.deepEqual(await pds.ended(), { code: 74, signal: null }, pds.log().slice(-1000))
      assert.match(pds.log(), /fsync failed: .*blob|fsync failed: .*upload/)
      pds.disk.losePower({ survives: () => false })
      pds.disk.set({})
      await pds.restart()
      const file = { $type: NOTE, file: before }
      fine(await create(pds, load.people[0], file))
    }),
  )
}

test('a disk that is full at the start', options, async () => {
  const other = await another()
  const who = await signUp(other)
  await other.stop()
  other.disk.set({ spaceLeft: 0 })
  await assert.rejects(other.restart())
  assert.deepEqual(await other.ended(), { code: 1, signal: null })
  assert.match(other.log(), /cannot start.*cannot open/)
  other.disk.set({})
  await other.restart()
  fine(await create(other, who))
})
