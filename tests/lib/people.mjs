// People to sign up: names nobody else has, and the sign-up itself.
import crypto from 'node:crypto'
import { Secp256k1Keypair } from '@atproto/crypto'
import * as plcLib from '@did-plc/lib'
import { fine, procedure, query } from './ask.mjs'
import { secret } from './secrets.mjs'

export const rnd = (bytes = 4) => crypto.randomBytes(bytes).toString('hex')

/** Someone who has no account yet. */
export function person(kind = 'p') {
  const name = `${kind}-${rnd()}`
  return {
    handle: `${name}.test`,
    email: secret(`${name}@mail.example`, 'e-mail'),
    password: secret(`correct horse ${rnd(6)}`, 'password'),
  }
}

/** Someone with a DID and keys of their own, whose server is another one. */
export async function newcomer(plc, kind = 'm') {
  const key = await Secp256k1Keypair.create({ exportable: true })
  const who = person(kind)
  const { did, op } = await plcLib.createOp({
    signingKey: key.did(),
    rotationKeys: [key.did()],
    handle: who.handle,
    pds: 'https://old.example',
    signer: key,
  })
  await plc.client.sendOperation(did, op)
  return { ...who, did, key }
}

/** Signs someone up; what the server answered, with what they signed up with. */
export async function signUp(pds, more = {}) {
  const who = { ...person(), ...more }
  const answer = fine(await procedure(pds, 'com.atproto.server.createAccount', who))
  return { ...who, ...answer }
}

export const logIn = (pds, identifier, password, more = {}) =>
  procedure(pds, 'com.atproto.server.createSession', { identifier, password, ...more })

export const whoAmI = (pds, token) => query(pds, 'com.atproto.server.getSession', { token })

export const refresh = (pds, token) =>
  procedure(pds, 'com.atproto.server.refreshSession', undefined, { token })
