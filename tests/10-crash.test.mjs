// The server is killed in the middle of work, and the PLC directory fails at sign-up: what was
// acknowledged is there, nothing is half there, and no handle, address or code is lost.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verifyRepoCar } from '@atproto/repo'
import { asAdmin, fine, procedure, query, refused } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { sleep, until } from './lib/net.mjs'
import { logIn, person, refresh, signUp, whoAmI } from './lib/people.mjs'
import { foreign, roostOnly } from './lib/where.mjs'

const { pds, plc } = await house()
const create = (who) => procedure(pds, 'com.atproto.server.createAccount', who)
const resolve = (handle) => query(pds, 'com.atproto.identity.resolveHandle', { query: { handle } })

/** Everything an account needs is there, and fits together. */
async function whole(who, did) {
  const session = fine(await logIn(pds, who.handle, who.password))
  assert.equal(session.did, did)
  assert.equal(session.email, who.email)
  assert.equal(fine(await resolve(who.handle)).did, did)
  const data = await plc.client.getDocumentData(did)
  assert.deepEqual(data.alsoKnownAs, [`at://${who.handle}`])
  const response = await fetch(`${pds.url}/xrpc/com.atproto.sync.getRepo?did=${did}`)
  assert.equal(response.status, 200)
  await verifyRepoCar(new Uint8Array(await response.arrayBuffer()), did, data.verificationMethods.atproto)
  const status = fine(await query(pds, 'com.atproto.server.checkAccountStatus', { token: session.accessJwt }))
  assert.deepEqual([status.activated, status.validDid], [true, true])
}

/** Someone whose sign-up was not acknowledged: a whole account, or names that are free. */
async function wholeOrFree(who) {
  const session = await logIn(pds, who.handle, who.password)
  if (session.status === 200) return whole(who, session.body.did)
  refused(session, 401, 'AuthenticationRequired')
  refused(await resolve(who.handle), 400, 'HandleNotFound')
  const made = fine(await create(who))
  await whole(who, made.did)
}

const ROUNDS = 5
for (let round = 1; round <= ROUNDS; round++) {
  test(`kill -9 in the middle of sign-ups and log-ins, round ${round}`, roostOnly('crash safety'), async () => {
    const old = await signUp(pds)
    const acknowledged = []
    const unacknowledged = []
    const sessions = []
    let killed = false
    const signUps = Array.from({ length: 6 }, async () => {
      for (let n = 0; n < 200 && !killed; n++) {
        const who = person()
        try {
          const answer = await create(who)
          if (answer.status === 200) acknowledged.push({ ...who, ...answer.body })
          else if (answer.status === 503) unacknowledged.push(who)
          else assert.fail(answer.text)
        } catch (error) {
          if (error instanceof assert.AssertionError) throw error
          unacknowledged.push(who)
        }
      }
    })
    const logIns = Array.from({ length: 3 }, async () => {
      for (let n = 0; n < 200 && !killed; n++) {
        try {
          const answer = await logIn(pds, old.handle, old.password)
          if (answer.status === 200) sessions.push(answer.body)
        } catch {}
      }
    })
    await until('some work to be under way', () => acknowledged.length >= round && sessions.length > 0, 60_000)
    await sleep(37 * round) // not always at the same point
    killed = true
    await pds.kill9()
    await Promise.all([...signUps, ...logIns])
    await pds.restart()

    await Promise.all(
      acknowledged.map(async (who) => {
        await whole(who, who.did)
        fine(await whoAmI(pds, who.accessJwt))
        fine(await refresh(pds, who.refreshJwt))
      }),
    )
    await Promise.all(unacknowledged.map(wholeOrFree))
    await whole(old, old.did)
    for (const session of sessions) fine(await whoAmI(pds, session.accessJwt))
  })
}

test('kill -9 between the PLC operation and the answer', roostOnly('crash safety'), async () => {
  for (const mode of ['hang', 'lost']) {
    const who = person()
    await plc.set(mode)
    const before = plc.posts
    const pending = create(who).catch(() => undefined)
    for (let i = 0; i < 500 && plc.posts === before; i++) await sleep(10)
    assert.ok(plc.posts > before, 'the operation was sent')
    await pds.kill9()
    await pending
    await plc.set('pass')
    await pds.restart()
    await sleep(300) // what was pending is settled at the start
    await wholeOrFree(who)
  }
})

test('rotation survives kill -9: an acknowledged refresh is the one that counts', roostOnly('crash safety'), async () => {
  const who = await signUp(pds)
  const next = fine(await refresh(pds, who.refreshJwt))
  await pds.kill9()
  await pds.restart()
  fine(await whoAmI(pds, next.accessJwt))
  fine(await refresh(pds, next.refreshJwt))
})

test('log-out survives kill -9', roostOnly('crash safety'), async () => {
  const who = await signUp(pds)
  fine(await procedure(pds, 'com.atproto.server.deleteSession', undefined, { token: who.refreshJwt }))
  await pds.kill9()
  await pds.restart()
  refused(await whoAmI(pds, who.accessJwt), 400, 'ExpiredToken')
  refused(await refresh(pds, who.refreshJwt), 400, 'ExpiredToken')
})

for (const [mode, what] of [
  ['refuse', 'nothing listens'],
  ['500', 'it answers 500'],
  ['hang', 'it never answers'],
]) {
  test(`the PLC directory fails at sign-up (${what}): names and code stay free`, foreign && mode === 'hang' ? roostOnly('the reference waits for ever') : {}, async () => {
    const code = fine(await asAdmin(pds, 'com.atproto.server.createInviteCode', { useCount: 1 })).code
    const who = { ...person(), inviteCode: code }
    const bystander = await signUp(pds)
    await plc.set(mode)
    try {
      const start = performance.now()
      const failed = create(who)
      // Others are served meanwhile.
      fine(await logIn(pds, bystander.handle, bystander.password))
      fine(await whoAmI(pds, bystander.accessJwt))
      const answer = await failed
      assert.ok(answer.status >= 500 && answer.status < 600, `${answer.status} ${answer.text}`)
      if (!foreign) {
        assert.ok([502, 503, 504].includes(answer.status), `${answer.status} ${answer.text}`)
        assert.equal(typeof answer.body.error, 'string')
        assert.ok(performance.now() - start < 25_000)
      }
      refused(await logIn(pds, who.handle, who.password), 401, 'AuthenticationRequired')
      refused(await resolve(who.handle), 400, 'HandleNotFound')
    } finally {
      await plc.set('pass')
    }
    const made = fine(await create(who))
    await whole(who, made.did)
  })
}

test('the directory takes the operation but its answer is lost', roostOnly('the reference leaves an orphan DID'), async () => {
  const who = person()
  await plc.set('lost')
  const answer = await create(who)
  await plc.set('pass')
  if (answer.status === 200) return whole(who, answer.body.did)
  assert.ok([502, 503, 504].includes(answer.status), answer.text)
  await wholeOrFree(who)
})

test('an outage of the directory leaves everyone else alone', async () => {
  const who = await signUp(pds)
  await plc.set('refuse')
  try {
    fine(await logIn(pds, who.handle, who.password))
    fine(await refresh(pds, who.refreshJwt))
    fine(await resolve(who.handle))
  } finally {
    await plc.set('pass')
  }
})
