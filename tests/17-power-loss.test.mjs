// The power fails while many write: what was not synced is gone, or there in part, or torn. What was
// acknowledged is there all the same, and so is every event that anybody has seen.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { test } from 'node:test'
import { fine } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { sleep } from './lib/net.mjs'
import { logIn, signUp } from './lib/people.mjs'
import { faults } from './lib/server.mjs'
import { Workload, below } from './lib/workload.mjs'
import { roostOnly } from './lib/where.mjs'

const options = { ...faults, ...roostOnly('crash safety') }
const { pds, plc, another } = options.skip ? {} : await house({ mail: false, faulty: true })
const load = options.skip ? undefined : await Workload.begin(pds, plc)

const nothing = { survives: () => false }
const losses = [
  ['nothing of it is left', () => nothing],
  ['some of it is left', () => ({ survives: () => below(2) === 0 })],
  ['most of it is left', () => ({ survives: () => below(8) !== 0 })],
  ['it is torn', () => ({ survives: () => below(2) === 0, tears: true })],
  ['a little of it is torn off', () => ({ survives: () => below(20) !== 0, tears: true })],
]

test('what a new server has not synced is gone, which is not taken for a restore', options, async () => {
  const other = await another()
  const short = await Workload.begin(other, plc, { accounts: 1 })
  await other.kill9()
  other.disk.losePower(nothing)
  await other.restart()
  await short.run(async () => {
    short.start()
    await short.working(1)
    await short.stop()
    await short.check()
  })
})

const ROUNDS = 15
for (let round = 1; round <= ROUNDS; round++) {
  const [what, loss] = losses[round % losses.length]
  test(`the power fails among writers, ${what}, round ${round}`, options, (t) =>
    load.run(async () => {
      load.start()
      const newcomer = signUp(pds).catch(() => undefined)
      await load.working(1 + below(10))
      await sleep(below(250)) // not always at the same point
      await pds.kill9()
      await load.stop()
      const who = await newcomer
      t.diagnostic(pds.disk.losePower(loss()))
      await pds.restart()
      t.diagnostic(await load.check())
      if (!who) return
      assert.equal(fine(await logIn(pds, who.handle, who.password)).did, who.did)
      await load.mirror.compare(pds, who.did)
    }),
  )
}

test('no file but the index of the log is written to through memory', options, () => {
  const mappings = fs.readFileSync(`/proc/${pds.pid}/maps`, 'utf8').split('\n')
  const writable = mappings.filter((one) => /^\S+ .w.s /.test(one) && one.includes(pds.data))
  assert.deepEqual(writable.filter((one) => !one.endsWith('-shm')), [])
})

test('this disk does take away what was not synced', options, async () => {
  const other = await another()
  const short = await Workload.begin(other, plc, { accounts: 1 })
  await other.restart()
  other.disk.set({ fsyncIsALie: 1 })
  short.start()
  await short.working(20)
  await other.kill9()
  await short.stop()
  other.disk.losePower(nothing)
  other.disk.set({})
  await other.restart()
  await assert.rejects(short.check(), assert.AssertionError)
})
