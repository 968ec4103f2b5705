// The program itself, as an operator runs it: a verb, its output and its end; `roost dev` until it is stopped.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import { until } from './net.mjs'
import { command } from './where.mjs'

export const binary = command[0]

/** Whether this build carries AddressSanitizer or ThreadSanitizer: it then stays open to a tracer. */
export const sanitized = () => /__[at]san_init/.test(fs.readFileSync(binary).toString('latin1'))

const surroundings = () => ({
  PATH: process.env.PATH,
  ...(process.env.ASAN_OPTIONS && { ASAN_OPTIONS: process.env.ASAN_OPTIONS }),
  ...(process.env.TSAN_OPTIONS && { TSAN_OPTIONS: process.env.TSAN_OPTIONS }),
})

/** Runs `roost ARGUMENTS` until it ends, or `ms` have passed; `as` is {uid, gid} for another user. */
export function roost(args, { env = {}, cwd, ms = 20_000, as = {} } = {}) {
  return new Promise((resolve, reject) => {
    const said = { out: '', err: '' }
    const child = spawn(binary, args, { cwd, env: { ...surroundings(), ...env }, stdio: ['ignore', 'pipe', 'pipe'], ...as })
    const late = setTimeout(() => child.kill('SIGKILL'), ms)
    child.stdout.on('data', (piece) => (said.out += piece))
    child.stderr.on('data', (piece) => (said.err += piece))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(late)
      resolve({ code, signal, ...said })
    })
  })
}

/** Starts a verb that stays, waits until it has said `ready`, and gives what it says and `stop()`. */
export async function staying(args, { env = {}, cwd, ready, as = {} }) {
  let out = ''
  let ended
  const child = spawn(binary, args, { cwd, env: { ...surroundings(), ...env }, stdio: ['ignore', 'pipe', 'pipe'], ...as })
  const end = new Promise((resolve) => {
    child.on('error', (error) => resolve({ error }))
    child.on('close', (code, signal) => resolve({ code, signal }))
  }).then((how) => (ended = how))
  child.stdout.on('data', (piece) => (out += piece))
  child.stderr.on('data', (piece) => (out += piece))
  const stop = async () => {
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), 20_000)
    const how = await end
    clearTimeout(late)
    return how
  }
  try {
    await until(`roost ${args[0]} to start`, () => ready.test(out) || ended, 60_000)
    if (ended) throw new Error(`roost ${args.join(' ')} ended (${JSON.stringify(ended)}):\n${out}`)
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
  return { pid: child.pid, said: () => out, stop }
}
