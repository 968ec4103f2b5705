// A person signs up, logs in, refreshes and logs out, with the two clients people really use; and what
// stands behind the account is real: a DID in the PLC directory, and a signed, empty repository.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import { Client, ok, simpleFetchHandler } from '@atcute/client'
import { Secp256k1Keypair } from '@atproto/crypto'
import { IdResolver } from '@atproto/identity'
import { MemoryBlockstore, Repo, readCarWithRoot, verifyRepoCar } from '@atproto/repo'
import * as plcLib from '@did-plc/lib'
import { fine, procedure, query, refused } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { logIn, person, refresh, signUp, whoAmI } from './lib/people.mjs'
import { roostOnly } from './lib/where.mjs'

const { pds, plc } = await house()

/** The members of an answer, without those that a server may leave out. */
const members = (answer) =>
  Object.keys(answer)
    .filter((name) => !['didDoc', 'emailAuthFactor'].includes(name))
    .sort()

const EMPTY_TREE = 'bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm'
const DID = /^did:plc:[a-z2-7]{24}$/

test('@atproto/api: sign up, log in, resume, refresh, log out', async () => {
  const who = person()
  const agent = new AtpAgent({ service: pds.url })
  const made = await agent.createAccount(who)
  assert.equal(made.data.handle, who.handle)
  assert.match(made.data.did, DID)
  const did = made.data.did

  for (const identifier of [who.handle, did, who.email, who.handle.toUpperCase(), who.email.toUpperCase()]) {
    const one = new AtpAgent({ service: pds.url })
    const { data } = await one.login({ identifier, password: who.password })
    assert.equal(data.did, did, identifier)
    assert.equal(data.handle, who.handle)
    assert.equal(data.email, who.email)
    assert.equal(data.emailConfirmed, false)
    assert.equal(data.active, true)
    assert.equal(data.status, undefined)
  }

  const mine = (await agent.com.atproto.server.getSession()).data
  assert.equal(mine.did, did)
  assert.equal(mine.handle, who.handle)
  assert.equal(mine.email, who.email)
  assert.equal(mine.active, true)

  const resumed = new AtpAgent({ service: pds.url })
  await resumed.resumeSession({ ...agent.session })
  assert.equal(resumed.did, did)

  const before = { ...agent.session }
  await agent.sessionManager.refreshSession()
  assert.equal(agent.session.did, did)
  assert.notEqual(agent.session.refreshJwt, before.refreshJwt)
  assert.equal((await agent.com.atproto.server.getSession()).data.did, did)

  const last = { ...agent.session }
  await agent.logout()
  assert.equal(agent.session, undefined)
  refused(await refresh(pds, last.refreshJwt), 400, 'ExpiredToken')
})

test('@atcute/client: sign up, log in, refresh, log out', async () => {
  const who = person()
  const speak = (token) =>
    new Client({
      handler: simpleFetchHandler({
        service: pds.url,
        fetch: (url, init) => {
          const headers = new Headers(init?.headers)
          if (token) headers.set('authorization', `Bearer ${token}`)
          return fetch(url, { ...init, headers })
        },
      }),
    })
  const made = await ok(speak().post('com.atproto.server.createAccount', { input: who }))
  assert.match(made.did, DID)
  const session = await ok(
    speak().post('com.atproto.server.createSession', {
      input: { identifier: who.handle, password: who.password },
    }),
  )
  assert.equal(session.did, made.did)
  const mine = await ok(speak(session.accessJwt).get('com.atproto.server.getSession', {}))
  assert.equal(mine.handle, who.handle)
  const next = await ok(speak(session.refreshJwt).post('com.atproto.server.refreshSession', {}))
  assert.equal(next.did, made.did)
  const over = await speak(next.refreshJwt).post('com.atproto.server.deleteSession', { as: null })
  assert.equal(over.status, 200)
  const again = await speak(next.refreshJwt).post('com.atproto.server.refreshSession', {})
  assert.equal(again.ok, false)
  assert.equal(again.data.error, 'ExpiredToken')

  const wrong = await speak().post('com.atproto.server.createSession', {
    input: { identifier: who.handle, password: 'not this one' },
  })
  assert.deepEqual(
    [wrong.ok, wrong.status, wrong.data.error],
    [false, 401, 'AuthenticationRequired'],
  )
})

test('the answers have the shapes of the founding document and of today', async () => {
  const who = person()
  const made = fine(await procedure(pds, 'com.atproto.server.createAccount', who))
  for (const name of ['accessJwt', 'refreshJwt', 'handle', 'did']) assert.equal(typeof made[name], 'string', name)
  const session = fine(await logIn(pds, who.handle, who.password))
  assert.deepEqual(members(session), [
    'accessJwt',
    'active',
    'did',
    'email',
    'emailConfirmed',
    'handle',
    'refreshJwt',
  ])
  const next = fine(await refresh(pds, session.refreshJwt))
  assert.deepEqual(Object.keys(next).sort(), Object.keys(session).sort())
  const mine = fine(await whoAmI(pds, next.accessJwt))
  assert.deepEqual(members(mine), [
    'active',
    'did',
    'email',
    'emailConfirmed',
    'handle',
  ])
})

test('one answer for an unknown account and for a wrong password', async () => {
  const who = await signUp(pds)
  const answers = [
    await logIn(pds, who.handle, 'wrong password'),
    await logIn(pds, who.email, 'wrong password'),
    await logIn(pds, person().handle, 'wrong password'),
    await logIn(pds, person().email, 'wrong password'),
    await logIn(pds, 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa', 'wrong password'),
    await logIn(pds, 'not even an identifier', 'wrong password'),
  ]
  for (const answer of answers) {
    refused(answer, 401, 'AuthenticationRequired', 'Invalid identifier or password')
    assert.equal(answer.text, answers[0].text)
  }
})

test('log-out ends the session at once, and only that one', async () => {
  const who = await signUp(pds)
  const other = fine(await logIn(pds, who.handle, who.password))
  fine(await procedure(pds, 'com.atproto.server.deleteSession', undefined, { token: who.refreshJwt }))
  refused(await refresh(pds, who.refreshJwt), 400, 'ExpiredToken')
  fine(await whoAmI(pds, other.accessJwt))
  fine(await refresh(pds, other.refreshJwt))
})

test('after log-out the access token is dead too', roostOnly('the session is looked up'), async () => {
  const who = await signUp(pds)
  fine(await whoAmI(pds, who.accessJwt))
  fine(await procedure(pds, 'com.atproto.server.deleteSession', undefined, { token: who.refreshJwt }))
  refused(await whoAmI(pds, who.accessJwt), 400, 'ExpiredToken')
})

test('deleteSession takes the refresh token, not the access token', async () => {
  const who = await signUp(pds)
  const end = (token) => procedure(pds, 'com.atproto.server.deleteSession', undefined, { token })
  refused(await end(who.accessJwt), 400, 'InvalidToken')
  refused(await end(undefined), 401, 'AuthMissing')
  fine(await whoAmI(pds, who.accessJwt))
})

test('the DID is real: its log verifies, and says what the person asked for', async () => {
  const recovery = await Secp256k1Keypair.create()
  const who = await signUp(pds, { recoveryKey: recovery.did() })
  const log = await plc.client.getOperationLog(who.did)
  assert.equal(log.length, 1)
  const data = await plcLib.validateOperationLog(who.did, log)
  assert.equal(await plcLib.didForCreateOp(log[0]), who.did)
  assert.deepEqual(data.alsoKnownAs, [`at://${who.handle}`])
  assert.deepEqual(data.services, { atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: pds.url } })
  assert.equal(data.rotationKeys.length, 2)
  assert.equal(data.rotationKeys[0], recovery.did())
  assert.match(data.rotationKeys[1], /^did:key:zQ3sh/)
  assert.match(data.verificationMethods.atproto, /^did:key:zQ3sh/)
  assert.notEqual(data.verificationMethods.atproto, data.rotationKeys[1])

  const plain = await signUp(pds)
  const keys = (await plc.client.getDocumentData(plain.did)).rotationKeys
  assert.deepEqual(keys, [data.rotationKeys[1]])
  const signing = (await plc.client.getDocumentData(plain.did)).verificationMethods.atproto
  assert.notEqual(signing, data.verificationMethods.atproto)
})

test('the handle resolves to the DID and the DID to the handle', async () => {
  const who = await signUp(pds)
  const got = fine(await query(pds, 'com.atproto.identity.resolveHandle', { query: { handle: who.handle } }))
  assert.deepEqual(got, { did: who.did })
  const resolver = new IdResolver({ plcUrl: plc.url, fetch }) // its own fetch refuses loopback
  const known = await resolver.did.resolveAtprotoData(who.did)
  assert.equal(known.handle, who.handle)
  assert.equal(known.pds, pds.url)
})

test('behind the account is a signed, empty repository', async () => {
  const who = await signUp(pds)
  const response = await fetch(`${pds.url}/xrpc/com.atproto.sync.getRepo?did=${who.did}`)
  assert.equal(response.status, 200)
  assert.match(response.headers.get('content-type'), /^application\/vnd\.ipld\.car/)
  const car = new Uint8Array(await response.arrayBuffer())
  const key = (await plc.client.getDocumentData(who.did)).verificationMethods.atproto
  assert.equal((await verifyRepoCar(car, who.did, key)).creates.length, 0)
  const { root, blocks } = await readCarWithRoot(car)
  const { commit } = await Repo.load(new MemoryBlockstore(blocks), root)
  assert.equal(commit.did, who.did)
  assert.equal(commit.version, 3)
  assert.equal(commit.prev, null)
  assert.match(commit.rev, /^[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}$/)
  assert.equal(commit.data.toString(), EMPTY_TREE)

  const other = await Secp256k1Keypair.create()
  await assert.rejects(verifyRepoCar(car, who.did, other.did()), /signature/)
  const status = fine(await query(pds, 'com.atproto.server.checkAccountStatus', { token: who.accessJwt }))
  assert.equal(status.repoCommit, root.toString())
  assert.equal(status.repoRev, commit.rev)
})

test('an account outlives a restart of the server', async () => {
  const who = await signUp(pds)
  await pds.restart()
  fine(await whoAmI(pds, who.accessJwt))
  fine(await refresh(pds, who.refreshJwt))
  assert.equal(fine(await logIn(pds, who.handle, who.password)).did, who.did)
})
