// One journey's world: a PLC directory, a mail server, and a PDS between them.
import { after } from 'node:test'
import { startPlc } from './plc.mjs'
import { startServer } from './server.mjs'
import { startSmtp } from './smtp.mjs'

/**
 * Starts all three; call it at the top of a test file, with whose tests they end. `another` starts a
 * further PDS beside the first; called in a test, that one ends with the test. `env` is the variables
 * of both; `mail: false` leaves a PDS without a mail server; `faulty: true` gives them disks that can fail;
 * `named: true` is for houses in which the reference server comes to visit.
 */
export async function house({ env, mail = true, faulty, named } = {}) {
  const plc = await startPlc({ named })
  const smtp = await startSmtp()
  const start = (more = {}) => startServer({ plc, smtp: (more.mail ?? mail) ? smtp : undefined, env, faulty, ...more })
  const another = async (more) => {
    const pds = await start(more)
    after(() => pds.close())
    return pds
  }
  const pds = await start()
  after(async () => {
    await pds.close()
    await smtp.close()
    await plc.close()
  })
  return { plc, smtp, pds, another }
}
