// A PostgreSQL of its own, of Debian's programs: in memory as far as it can be, gone afterwards.
import { execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { freePort, until } from './net.mjs'

const BIN = '/usr/lib/postgresql/15/bin'

/** It refuses to run as root: then it is `postgres`, whom the package has made. */
function user() {
  if (process.getuid() !== 0) return {}
  const [, , uid, gid] = fs.readFileSync('/etc/passwd', 'utf8').split('\n').find((line) => line.startsWith('postgres:')).split(':')
  return { uid: Number(uid), gid: Number(gid) }
}

/** Starts it, with a database; `url` is its address. */
export async function startPostgres() {
  const as = user()
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'journey-postgres-'))
  if (as.uid) fs.chownSync(folder, as.uid, as.gid)
  const options = { cwd: folder, stdio: 'ignore', env: { PATH: process.env.PATH }, ...as }
  const run = (program, ...args) => execFileSync(`${BIN}/${program}`, args, options)
  run('initdb', '--pgdata=data', '--username=journey', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync')
  const port = await freePort()
  const fast = ['fsync', 'full_page_writes', 'synchronous_commit', 'autovacuum'].flatMap((name) => ['-c', `${name}=off`])
  const child = spawn(`${BIN}/postgres`, ['-D', 'data', '-h', '127.0.0.1', '-p', String(port), '-k', folder, ...fast], options)
  const gone = new Promise((resolve) => child.once('exit', resolve))
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const isReady = () => {
    try {
      run('pg_isready', '--quiet', '--host=127.0.0.1', `--port=${port}`, '--dbname=postgres')
      return true
    } catch {
      return child.exitCode !== null
    }
  }
  await until('PostgreSQL to start', isReady, 30_000)
  run('createdb', '--host=127.0.0.1', `--port=${port}`, '--username=journey', 'journey')
  return {
    url: `postgres://journey@127.0.0.1:${port}/journey`,
    async close() {
      child.kill('SIGINT') // disconnects whoever is there
      await gone
      process.off('exit', kill)
      fs.rmSync(folder, { recursive: true, force: true })
    },
  }
}
