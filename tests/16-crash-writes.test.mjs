// kill -9 while many write: what was acknowledged is there, the rest wholly or not at all, and the event
// stream tells exactly the history of the repositories, across all the restarts.
import { test } from 'node:test'
import { house } from './lib/house.mjs'
import { sleep } from './lib/net.mjs'
import { Workload, below } from './lib/workload.mjs'
import { roostOnly } from './lib/where.mjs'

const { pds, plc } = await house({ mail: false })
const load = await Workload.begin(pds, plc)

const ROUNDS = 20
for (let round = 1; round <= ROUNDS; round++) {
  test(`kill -9 among writers, round ${round}`, roostOnly('crash safety'), (t) =>
    load.run(async () => {
      load.start()
      await load.working(1 + below(10))
      await sleep(below(250)) // not always at the same point
      await pds.kill9()
      await load.stop()
      await pds.restart()
      t.diagnostic(await load.check())
    }),
  )
}
