// Who is who: resolving identities, changing handles, and PLC operations, against a real PLC directory
// and a name server of the test's own.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import { Secp256k1Keypair } from '@atproto/crypto'
import { IdResolver } from '@atproto/identity'
import { verifyRepoCar } from '@atproto/repo'
import { createServiceJwt, verifyJwt } from '@atproto/xrpc-server'
import * as plcLib from '@did-plc/lib'
import { asAdmin, fine, procedure, query, raw, refused } from './lib/ask.mjs'
import { startDns } from './lib/dns.mjs'
import { house } from './lib/house.mjs'
import { until } from './lib/net.mjs'
import { DOCUMENT, host, json } from './lib/pages.mjs'
import { logIn, person, rnd, signUp, whoAmI } from './lib/people.mjs'
import { names } from './lib/server.mjs'
import { subscribe } from './lib/stream.mjs'
import { roostOnly } from './lib/where.mjs'

const dns = await startDns()
after(() => dns.close())
const { pds, plc, smtp, another } = await house()
const I = 'com.atproto.identity.'
const ask = (method, wanted, at = pds, token) => query(at, I + method, { query: wanted, token })
const post = (who, method, body, at = pds) => procedure(at, I + method, body, { token: who?.accessJwt })
const update = (who, handle, at = pds) => post(who, 'updateHandle', { handle }, at)
const resolveHandle = (handle, at = pds) => ask('resolveHandle', { handle }, at)
const aliases = async (did) => (await plc.client.getDocumentData(did)).alsoKnownAs
const fresh = () => `h-${rnd()}.test`
const getRepo = async (did) => {
  const answer = await fetch(`${pds.url}/xrpc/com.atproto.sync.getRepo?did=${did}`)
  assert.equal(answer.status, 200)
  return new Uint8Array(await answer.arrayBuffer())
}
const handleOf = async (who, at = pds) => fine(await whoAmI(at, who.accessJwt)).handle

/** What the stream says of that account while `act` runs: kinds and handles. */
async function told(did, act, count, at = pds) {
  const stream = await subscribe(at)
  try {
    await act()
    const of = () => stream.events.filter((event) => event.body.did === did)
    await until(`${count} events`, () => of().length >= count)
    return of().map((event) => [event.t, event.body.handle])
  } finally {
    stream.close()
  }
}

// --- handles --------------------------------------------------------------------------------------

test('a handle changes everywhere at once', async () => {
  const agent = new AtpAgent({ service: pds.url })
  const who = person()
  await agent.createAccount(who)
  const did = agent.session.did
  const wanted = fresh()
  const events = await told(did, () => agent.updateHandle({ handle: wanted }), 1)
  assert.deepEqual(events, [['#identity', wanted]])
  assert.equal((await agent.com.atproto.server.getSession()).data.handle, wanted)
  assert.deepEqual(await aliases(did), [`at://${wanted}`])
  assert.equal(fine(await resolveHandle(wanted)).did, did)
  refused(await resolveHandle(who.handle), 400, 'HandleNotFound')
  const repo = fine(await query(pds, 'com.atproto.repo.describeRepo', { query: { repo: wanted } }))
  assert.deepEqual([repo.handle, repo.handleIsCorrect], [wanted, true])
  const page = (handle) => raw(pds, { path: '/.well-known/atproto-did', headers: { host: handle } })
  assert.equal((await page(wanted)).text, did)
  assert.equal((await page(who.handle)).status, 404)
  const data = await new IdResolver({ plcUrl: plc.url, fetch }).did.resolveAtprotoData(did, true)
  assert.deepEqual([data.handle, data.pds], [wanted, pds.url])
  await signUp(pds, { handle: who.handle }) // the old one is free
})

test('upper case is lowered, and the same handle is told once more', async () => {
  const who = await signUp(pds)
  const wanted = fresh()
  fine(await update(who, wanted.toUpperCase()))
  assert.equal(await handleOf(who), wanted)
  const events = await told(who.did, async () => fine(await update(who, wanted)), 1)
  assert.deepEqual(events, [['#identity', wanted]])
})

test('which handles are refused', async () => {
  const [who, other] = [await signUp(pds), await signUp(pds)]
  refused(await update(who, other.handle), 400, 'HandleNotAvailable', `Handle already taken: ${other.handle}`)
  refused(await update(who, 'ab.test'), 400, 'InvalidHandle', 'Handle too short')
  refused(await update(who, `${'a'.repeat(19)}.test`), 400, 'InvalidHandle', 'Handle too long')
  refused(await update(who, 'a.bcd.test'), 400, 'InvalidHandle', 'Invalid characters in handle')
  refused(await update(who, 'admin.test'), 400, 'HandleNotAvailable', 'Reserved handle')
  refused(await update(who, 'someone.local'), 400, 'InvalidHandle', 'Handle TLD is invalid or disallowed')
  refused(await update(who, 'not a handle'), 400, 'InvalidRequest')
  refused(await update(null, fresh()), 401, 'AuthMissing')
  assert.deepEqual(await aliases(who.did), [`at://${who.handle}`])
  assert.equal(await handleOf(who), who.handle)
})

test('a sleeping account may change its handle', async () => {
  const who = await signUp(pds)
  fine(await procedure(pds, 'com.atproto.server.deactivateAccount', {}, { token: who.accessJwt }))
  const wanted = fresh()
  fine(await update(who, wanted))
  assert.deepEqual(await aliases(who.did), [`at://${wanted}`])
})

test('an account that is taken down keeps its handle, and may leave', async () => {
  const who = await signUp(pds)
  fine(
    await asAdmin(pds, 'com.atproto.admin.updateSubjectStatus', {
      subject: { $type: 'com.atproto.admin.defs#repoRef', did: who.did },
      takedown: { applied: true, ref: 'a reason' },
    }),
  )
  const session = fine(await logIn(pds, who.did, who.password, { allowTakendown: true }))
  const refusal = await update(session, fresh())
  assert.ok([400, 401, 403].includes(refusal.status), refusal.text)
  assert.deepEqual(await aliases(who.did), [`at://${who.handle}`])
  const token = await mailedCode({ ...who, accessJwt: session.accessJwt })
  fine(await post(session, 'signPlcOperation', { token }))
  const submitted = await post(session, 'submitPlcOperation', { operation: {} })
  assert.ok([400, 401, 403].includes(submitted.status), submitted.text)
})

test('ten wishes for one handle: one is granted, and the directory agrees', async () => {
  const people = await Promise.all(Array.from({ length: 5 }, () => signUp(pds)))
  const wanted = fresh()
  const answers = await Promise.all([...people, ...people].map((who) => update(who, wanted)))
  const has = []
  for (const who of people) if ((await handleOf(who)) === wanted) has.push(who.did)
  assert.equal(has.length, 1, JSON.stringify(answers.map((a) => [a.status, a.body])))
  for (const who of people) assert.deepEqual(await aliases(who.did), [`at://${await handleOf(who)}`])
})

test('a domain of one\'s own, by DNS', names, async () => {
  const pds = await another(dns.options)
  const [who, other] = [await signUp(pds), await signUp(pds)]
  const domain = `${rnd()}.example.com`
  const refusal = 'External handle did not resolve to DID'
  refused(await update(who, domain, pds), 400, 'InvalidRequest', refusal)
  dns.txt[`_atproto.${domain}`] = [`did=${who.did}`]
  refused(await update(other, domain, pds), 400, 'InvalidRequest', refusal)
  const events = await told(who.did, async () => fine(await update(who, domain, pds)), 1, pds)
  assert.deepEqual(events, [['#identity', domain]])
  assert.deepEqual(await aliases(who.did), [`at://${domain}`])
  assert.equal(fine(await resolveHandle(domain, pds)).did, who.did)
  const info = fine(await ask('resolveIdentity', { identifier: domain }, pds))
  assert.deepEqual([info.did, info.handle, info.didDoc.id], [who.did, domain, who.did])
  // Two records that contradict each other name nobody.
  dns.txt[`_atproto.${domain}`] = [`did=${who.did}`, `did=${other.did}`]
  refused(await update(who, domain, pds), 400, 'InvalidRequest', refusal)
})

test('backup name servers are asked when the first know nothing', names, async () => {
  const backup = await startDns()
  const port = backup.options.env.NAMESERVER_PORT
  const env = { ...dns.options.env, PDS_HANDLE_BACKUP_NAMESERVERS: `127.0.0.1:${port}` }
  const pds = await another({ ...dns.options, env })
  const domain = `${rnd()}.example.com`
  backup.txt[`_atproto.${domain}`] = ['did=did:web:somewhere.example.com']
  assert.equal(fine(await resolveHandle(domain, pds)).did, 'did:web:somewhere.example.com')
  assert.ok(dns.asked.includes(`_atproto.${domain}`))
  await backup.close()
})

test('did:web: the document says it first', async () => {
  const key = await Secp256k1Keypair.create()
  const web = await host({})
  const who = person()
  const documentFor = (handle) =>
    json({
      id: web.did,
      alsoKnownAs: [`at://${handle}`],
      verificationMethod: [
        { id: `${web.did}#atproto`, type: 'Multikey', controller: web.did, publicKeyMultibase: key.did().slice('did:key:'.length) },
      ],
      service: [{ id: '#atproto_pds', type: 'AtprotoPersonalDataServer', serviceEndpoint: pds.url }],
    })
  web.pages[DOCUMENT] = documentFor(who.handle)
  const token = await createServiceJwt({ iss: web.did, aud: pds.did, lxm: 'com.atproto.server.createAccount', keypair: key })
  const made = fine(await procedure(pds, 'com.atproto.server.createAccount', { ...who, did: web.did }, { token }))
  const wanted = fresh()
  refused(await update(made, wanted), 400, 'InvalidRequest', 'DID is not properly configured for handle')
  assert.equal(await handleOf(made), who.handle)
  web.pages[DOCUMENT] = documentFor(wanted)
  fine(await update(made, wanted))
  assert.equal(await handleOf(made), wanted)
  assert.equal(fine(await ask('resolveDid', { did: web.did })).didDoc.alsoKnownAs[0], `at://${wanted}`)
})

// --- what a directory can do to a change ----------------------------------------------------------

test('a directory that fails changes nothing, a lost answer is asked for', roostOnly('the reference answers 500'), async () => {
  const who = await signUp(pds)
  const wanted = fresh()
  for (const mode of ['500', 'refuse']) {
    await plc.set(mode)
    const answer = await update(who, wanted)
    await plc.set('pass')
    assert.ok([502, 504].includes(answer.status), `${mode}: ${answer.text}`)
    assert.equal(await handleOf(who), who.handle)
    assert.deepEqual(await aliases(who.did), [`at://${who.handle}`])
  }
  await plc.set('lost')
  const answer = await update(who, wanted)
  await plc.set('pass')
  fine(answer)
  assert.equal(await handleOf(who), wanted)
})

test('killed after the directory has taken the operation, the next start finishes', roostOnly('it waits for a retry'), async () => {
  const pds = await another()
  const who = await signUp(pds)
  const wanted = fresh()
  await plc.set('stall')
  const cut = update(who, wanted, pds).catch(() => undefined)
  await until('the directory to have it', async () => (await aliases(who.did))[0] === `at://${wanted}`)
  await pds.kill9()
  await plc.set('pass')
  await cut
  await pds.restart()
  await until('the handle', async () => (await handleOf(who, pds)) === wanted)
  const stream = await subscribe(pds, { cursor: 0 })
  await stream.wait((event) => event.t === '#identity' && event.body.handle === wanted)
  stream.close()
})

// --- PLC operations -------------------------------------------------------------------------------

const mailedCode = async (who) => {
  fine(await post(who, 'requestPlcOperationSignature'))
  return smtp.token(who.email)
}

test('an operation is recommended, signed and submitted', async () => {
  const agent = new AtpAgent({ service: pds.url })
  const who = person()
  await agent.createAccount(who)
  const { did } = agent.session
  const api = agent.com.atproto.identity
  const before = await plc.client.getDocumentData(did)
  const { data: recommended } = await api.getRecommendedDidCredentials()
  assert.deepEqual(recommended, {
    rotationKeys: before.rotationKeys,
    alsoKnownAs: [`at://${who.handle}`],
    verificationMethods: before.verificationMethods,
    services: { atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: pds.url } },
  })
  await api.requestPlcOperationSignature()
  const token = await smtp.token(who.email)
  const own = await Secp256k1Keypair.create()
  const { data } = await api.signPlcOperation({ token, rotationKeys: [own.did(), ...recommended.rotationKeys] })
  await assert.rejects(api.signPlcOperation({ token }), { error: 'InvalidToken' })
  assert.deepEqual(await plc.client.getDocumentData(did), before, 'signing sends nothing')
  const events = await told(did, () => api.submitPlcOperation({ operation: data.operation }), 1)
  assert.equal(events[0][0], '#identity')
  const now = await plc.client.getDocumentData(did)
  assert.deepEqual(now.rotationKeys, [own.did(), ...before.rotationKeys])
  assert.deepEqual(now.alsoKnownAs, before.alsoKnownAs)
  const shown = fine(await query(pds, 'com.atproto.repo.describeRepo', { query: { repo: did } })).didDoc
  assert.deepEqual(shown.alsoKnownAs, before.alsoKnownAs)
})

test('signing needs the code for it', async () => {
  const who = await signUp(pds)
  refused(await post(who, 'signPlcOperation', {}), 400, 'InvalidRequest', 'email confirmation token required to sign PLC operations')
  refused(await post(who, 'signPlcOperation', { token: 'AAAAA-BBBBB' }), 400, 'InvalidToken')
  fine(await procedure(pds, 'com.atproto.server.requestAccountDelete', undefined, { token: who.accessJwt }))
  const other = await smtp.token(who.email)
  refused(await post(who, 'signPlcOperation', { token: other }), 400, 'InvalidToken')
  refused(await post(null, 'signPlcOperation', { token: other }), 401, 'AuthMissing')
  refused(await post(null, 'requestPlcOperationSignature'), 401, 'AuthMissing')
  const app = fine(await procedure(pds, 'com.atproto.server.createAppPassword', { name: 'app' }, { token: who.accessJwt }))
  const session = fine(
    await procedure(pds, 'com.atproto.server.createSession', { identifier: who.did, password: app.password }),
  )
  for (const [method, body] of [['requestPlcOperationSignature'], ['signPlcOperation', { token: other }]]) {
    const answer = await post(session, method, body)
    assert.ok(answer.status === 400 || answer.status === 403, answer.text)
  }
})

test('an operation that would lock the account out is refused', async () => {
  const who = await signUp(pds)
  const own = await Secp256k1Keypair.create()
  const good = (await plc.client.getDocumentData(who.did))
  const last = await plc.client.getLastOp(who.did)
  // The server's rotation key signs for whoever has a code; what it signed need not be good for us.
  const signed = async (change) => {
    const token = await (async () => {
      fine(await post(who, 'requestPlcOperationSignature'))
      return smtp.token(who.email, ++letters)
    })()
    return fine(await post(who, 'signPlcOperation', { token, ...change })).operation
  }
  let letters = 0
  const service = (more) => ({ atproto_pds: { ...good.services.atproto_pds, ...more } })
  const cases = [
    [{ rotationKeys: [own.did()] }, "Rotation keys do not include server's rotation key"],
    [{ services: service({ type: 'Other' }) }, 'Incorrect type on atproto_pds service'],
    [{ services: service({ endpoint: 'https://elsewhere.example' }) }, 'Incorrect endpoint on atproto_pds service'],
    [{ verificationMethods: { atproto: own.did() } }, 'Incorrect signing key'],
    [{ alsoKnownAs: ['at://other.test'] }, 'Incorrect handle in alsoKnownAs'],
  ]
  for (const [change, message] of cases)
    refused(await post(who, 'submitPlcOperation', { operation: await signed(change) }), 400, 'InvalidRequest', message)
  assert.equal((await post(who, 'submitPlcOperation', { operation: { type: 'plc_operation' } })).status, 400)
  // One that is right and signed by nobody we know is the directory's to refuse.
  const forged = await plcLib.createUpdateOp(last, own, (op) => op)
  const answer = await post(who, 'submitPlcOperation', { operation: forged })
  assert.ok(answer.status >= 400, answer.text)
  assert.deepEqual(await plc.client.getDocumentData(who.did), good)
})

test('moving away: the operation that was signed here is taken by the directory', async () => {
  const who = await signUp(pds)
  const own = await Secp256k1Keypair.create()
  const token = await mailedCode(who)
  const { operation } = fine(
    await post(who, 'signPlcOperation', {
      token,
      rotationKeys: [own.did()],
      verificationMethods: { atproto: own.did() },
      services: { atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: 'https://new.example' } },
    }),
  )
  await plc.client.sendOperation(who.did, operation)
  assert.equal((await plc.client.getDocumentData(who.did)).services.atproto_pds.endpoint, 'https://new.example')
  refused(await update(who, fresh()), 400, 'InvalidRequest', /rotation key/)
})

// --- signing keys ---------------------------------------------------------------------------------

test('another signing key: the identity first, then a commit that it signs', roostOnly('the reference does not serve it'), async () => {
  const who = await signUp(pds)
  const post = (text) =>
    procedure(
      pds,
      'com.atproto.repo.createRecord',
      {
        repo: who.did,
        collection: 'app.bsky.feed.post',
        record: { $type: 'app.bsky.feed.post', text, createdAt: new Date().toISOString() },
      },
      { token: who.accessJwt },
    )
  fine(await post('signed by the first'))
  const change = (signingKey, did = who.did) => asAdmin(pds, 'com.atproto.admin.updateAccountSigningKey', { did, signingKey })
  const foreign = (await Secp256k1Keypair.create()).did()
  refused(await change(foreign), 400, 'InvalidRequest', /does not hold/)
  const { signingKey } = fine(await procedure(pds, 'com.atproto.server.reserveSigningKey', { did: who.did }))
  refused(await procedure(pds, 'com.atproto.admin.updateAccountSigningKey', { did: who.did, signingKey }), 401, 'AuthenticationRequired')
  const before = await getRepo(who.did)
  const stream = await subscribe(pds)
  fine(await change(signingKey))
  fine(await post('signed by the second'))
  const of = () => stream.events.filter((event) => event.body.did === who.did || event.body.repo === who.did)
  await until('three events', () => of().length >= 3)
  stream.close()
  assert.deepEqual(of().map((event) => event.t), ['#identity', '#sync', '#commit'])
  assert.equal((await plc.client.getDocumentData(who.did)).verificationMethods.atproto, signingKey)
  // A verifier of the network's own library: the whole repository, with the key that the directory names.
  const verified = await verifyRepoCar(await getRepo(who.did), who.did, signingKey)
  assert.equal(verified.creates.length, 2)
  await assert.rejects(verifyRepoCar(before, who.did, signingKey))
  const { token } = fine(
    await query(pds, 'com.atproto.server.getServiceAuth', {
      token: who.accessJwt,
      query: { aud: 'did:web:api.example', lxm: 'app.bsky.feed.getTimeline' },
    }),
  )
  await verifyJwt(token, 'did:web:api.example', 'app.bsky.feed.getTimeline', async () => signingKey)
})

test('rate limits of updateHandle', async () => {
  const pds = await another({ env: { PDS_RATE_LIMITS_ENABLED: 'true' } })
  const who = await signUp(pds)
  for (let i = 0; i < 10; i++) fine(await update(who, who.handle, pds))
  refused(await update(who, who.handle, pds), 429, 'RateLimitExceeded')
})
