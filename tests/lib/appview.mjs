// The real AppView and the real moderation service (tests/appview), each in a process of its own.
import { fork } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Secp256k1Keypair } from '@atproto/crypto'
import * as plcLib from '@did-plc/lib'
import { freePort } from './net.mjs'

const HERE = fileURLToPath(new URL('../appview', import.meta.url))

/** Registers a service that is to be started: {did, url, port, key}; `services` maps ids to types. */
async function plan(plc, name, services, keys = []) {
  const port = await freePort()
  const url = `http://localhost:${port}`
  const keypair = await Secp256k1Keypair.create({ exportable: true })
  const { op, did } = await plcLib.createOp({ signingKey: keypair.did(), rotationKeys: [keypair.did()], handle: `${name}.test`, pds: url, signer: keypair })
  await plc.client.sendOperation(did, op)
  await plc.client.updateData(did, keypair, (last) => ({
    ...last,
    verificationMethods: Object.fromEntries(['atproto', ...keys].map((id) => [id, keypair.did()])),
    services: { ...last.services, ...Object.fromEntries(Object.entries(services).map(([id, type]) => [id, { type, endpoint: url }])) },
  }))
  return { did, url, port, key: Buffer.from(await keypair.export()).toString('hex') }
}

export const planAppView = (plc) => plan(plc, 'appview', { bsky_appview: 'BskyAppView', bsky_notif: 'BskyNotificationService' })
export const planOzone = (plc) => plan(plc, 'ozone', { atproto_labeler: 'AtprotoLabeler' }, ['atproto_label'])

/** Starts appview/FILE.mjs and waits until it is ready; `ask(question, more)` asks it what it serves. */
async function start(file, settings) {
  const log = path.join(os.tmpdir(), `journey-${file}-${process.pid}.log`)
  const out = fs.openSync(log, 'w')
  const child = fork(path.join(HERE, `${file}.mjs`), {
    env: { PATH: process.env.PATH, NODE_ENV: 'production', LOG_ENABLED: 'true', LOG_LEVEL: 'warn', SETTINGS: JSON.stringify(settings) },
    stdio: ['ignore', out, out, 'ipc'],
  })
  fs.closeSync(out)
  const waiting = new Map()
  const ended = new Promise((resolve) => child.once('exit', resolve)).then((code) => {
    for (const { reject } of waiting.values()) reject(new Error(`${file} ended (${code}):\n${fs.readFileSync(log, 'utf8').slice(-3000)}`))
  })
  const answered = (id) => new Promise((resolve, reject) => waiting.set(id, { resolve, reject }))
  child.on('message', ({ id, answer, error }) => {
    const { resolve, reject } = waiting.get(id)
    waiting.delete(id)
    if (error) reject(new Error(error))
    else resolve(answer)
  })
  let last = 0
  const service = {
    ask(ask, more) {
      child.send({ ...more, id: ++last, ask })
      return answered(last)
    },
    log: () => fs.readFileSync(log, 'utf8'),
    async close() {
      child.kill('SIGKILL')
      await ended
      fs.rmSync(log, { force: true })
    },
  }
  try {
    await answered(0)
  } catch (error) {
    await service.close()
    throw error
  }
  return service
}

const placeOf = ({ url, port, did }) => ({ url, port, did })

/** The AppView that was planned; it follows `pds`, and believes the moderation service `moderator`. */
export async function startAppView(planned, { plc, pds, postgres, moderator }) {
  const ports = { appview: planned.port }
  for (const name of ['bsync', 'dataplane', 'spare']) ports[name] = await freePort()
  return start('appview', { ...planned, plc: plc.url, database: postgres.url, pds: placeOf(pds), ports, moderator })
}

/** The moderation service; `moderators` are the DIDs of those who work with it. */
export const startOzone = (planned, { plc, pds, postgres, appview, moderators }) =>
  start('ozone', { ...planned, plc: plc.url, database: postgres.url, pds: placeOf(pds), appview: placeOf(appview), moderators })
