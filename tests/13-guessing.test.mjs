// Strangers who guess and flood: what a log-in tells and costs, how a flood is turned away, and how the
// administrator's password is guarded. Numbers like L1 are those of the threat list.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import { test } from 'node:test'
import { asAdmin, basic, fine, procedure, query, raw, refused } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { sleep, until } from './lib/net.mjs'
import { logIn, person, rnd, signUp, whoAmI } from './lib/people.mjs'
import { secret } from './lib/secrets.mjs'
import { roostOnly } from './lib/where.mjs'

const { pds, smtp, another } = await house()
const S = 'com.atproto.server.'
const own = roostOnly('its own promise')
const from = (address) => ({ 'x-forwarded-for': address })
const WRONG = 'a wrong password'
/** Time to add where others keep this machine busy. */
const starved = () => (os.loadavg()[0] > 2 * os.cpus().length ? 5000 : 0)

/** The processor time that all threads of the server have used, in ms: no clock on a wall, so nobody's waiting counts. */
const used = () =>
  fs.readdirSync(`/proc/${pds.pid}/task`).reduce((sum, thread) => {
    return sum + Number(fs.readFileSync(`/proc/${pds.pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6
  }, 0)
const counted = fs.existsSync('/proc/self/schedstat') ? own : { skip: 'this kernel counts no processor time' }

const ROUNDS = 6
/** What each of so many calls costs. */
async function cost(call) {
  const before = used()
  for (let i = 0; i < ROUNDS; i++) await call()
  return (used() - before) / ROUNDS
}

test('L1: an attempt costs one hash, whether there is such an account or not', counted, async () => {
  const who = await signUp(pds)
  const [gone, asleep, app] = [await signUp(pds), await signUp(pds), await signUp(pds)]
  const subject = { $type: 'com.atproto.admin.defs#repoRef', did: gone.did }
  fine(await asAdmin(pds, 'com.atproto.admin.updateSubjectStatus', { subject, takedown: { applied: true } }))
  fine(await procedure(pds, `${S}deactivateAccount`, {}, { token: asleep.accessJwt }))
  fine(await procedure(pds, `${S}createAppPassword`, { name: 'a' }, { token: app.accessJwt }))

  const texts = new Set()
  const attempt = (identifier, password = WRONG) => async () => {
    const answer = await logIn(pds, identifier, password)
    refused(answer, 401, 'AuthenticationRequired', 'Invalid identifier or password')
    const headers = [...answer.headers.keys()].filter((name) => name !== 'date').sort()
    texts.add(JSON.stringify([answer.status, headers, answer.text]))
  }
  const idle = await cost(async () => fine(await whoAmI(pds, who.accessJwt)))
  const known = await cost(attempt(who.handle))
  assert.ok(known > 5 && known > 3 * idle, `a hash is what costs: ${known} ms, and ${idle} ms without`)
  const stranger = person()
  const cases = {
    'by address': attempt(who.email),
    'by DID': attempt(who.did),
    'taken down': attempt(gone.handle),
    'deactivated': attempt(asleep.handle),
    'in the form of an app password': attempt(app.handle, 'aaaa-bbbb-cccc-dddd'),
    'unknown handle': attempt(stranger.handle),
    'unknown address': attempt(stranger.email),
    'unknown DID': attempt('did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'),
    'no identifier at all': attempt('nobody at all'),
    'unknown, in the form of an app password': attempt(person().handle, 'aaaa-bbbb-cccc-dddd'),
  }
  for (const [what, call] of Object.entries(cases)) {
    const spent = await cost(call)
    assert.ok(spent > known / 2 && spent < known * 2, `${what}: ${spent} ms, where a wrong password costs ${known} ms`)
  }
  assert.equal(texts.size, 1, [...texts].join('\n'))
  // The right password of an account that is taken down tells its owner why; nobody else learns it.
  refused(await logIn(pds, gone.handle, gone.password), 401, 'AccountTakedown')
})

test('L1: asking for a reset is answered 200 and empty, whoever asks', own, async () => {
  const who = await signUp(pds)
  const answers = []
  for (const email of [who.email, who.email.toUpperCase(), person().email, 'no address', '', 'a@b.example\r\nBcc: c@d.example']) {
    answers.push(await procedure(pds, `${S}requestPasswordReset`, { email }))
  }
  for (const answer of answers) {
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.text, answers[0].text)
  }
  await smtp.mail(who.email)
})

test('L1: taken names are told to few: createAccount is limited before it looks', own, async () => {
  const limited = await another({ env: { PDS_RATE_LIMITS_ENABLED: 'true' } })
  const who = await signUp(limited, { handle: person().handle })
  const ask = () => procedure(limited, `${S}createAccount`, { ...person(), handle: who.handle }, { headers: from('192.0.2.9') })
  for (let i = 0; i < 100; i += 20) {
    for (const answer of await Promise.all(Array.from({ length: 20 }, ask))) refused(answer, 400, 'HandleNotAvailable')
  }
  refused(await ask(), 429, 'RateLimitExceeded')
})

test('L2: an overlong password is refused unhashed', counted, async () => {
  const who = await signUp(pds)
  const long = (bytes) => secret(rnd(bytes / 2 + 1).slice(0, bytes), 'a long password')
  const known = await cost(async () => refused(await logIn(pds, who.handle, WRONG), 401, 'AuthenticationRequired'))
  const cases = {
    // Passwords of up to 512 bytes were allowed by the reference once, and still log in.
    'log-in': async () => refused(await logIn(pds, who.handle, long(514)), 401, 'AuthenticationRequired', /too long/),
    'an unknown account': async () => refused(await logIn(pds, person().handle, long(514)), 401, 'AuthenticationRequired', /too long/),
    'a very long one': async () => refused(await logIn(pds, who.handle, long(100_000)), 401, 'AuthenticationRequired', /too long/),
    'sign-up': async () => refused(await procedure(pds, `${S}createAccount`, { ...person(), password: long(258) }), 400, 'InvalidPassword'),
    'reset': async () => refused(await procedure(pds, `${S}resetPassword`, { token: 'AAAAA-BBBBB', password: long(258) }), 400, 'InvalidPassword'),
    'a reset with a wrong code': async () => refused(await procedure(pds, `${S}resetPassword`, { token: 'AAAAA-BBBBB', password: long(20) }), 400, 'InvalidToken'),
    'deletion': async () => assert.notEqual((await procedure(pds, `${S}deleteAccount`, { did: who.did, token: 'AAAAA-BBBBB', password: long(514) })).status, 200),
  }
  for (const [what, call] of Object.entries(cases)) {
    const spent = await cost(call)
    assert.ok(spent < known / 2, `${what}: ${spent} ms, where a hash costs ${known} ms`)
  }
})

test('L2: a flood of log-ins is turned away in time, and nobody else waits', own, async () => {
  const pds = await another()
  const who = await signUp(pds)
  const flood = 100 + 50 * os.cpus().length // more than its threads and its queue can take
  const attempt = async () => {
    const start = performance.now()
    const body = JSON.stringify({ identifier: person().handle, password: WRONG })
    const answer = await raw(pds, {
      method: 'POST',
      path: `/xrpc/${S}createSession`,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      body,
    })
    return { ...answer, ms: performance.now() - start }
  }
  let over = false
  const start = performance.now()
  const attempts = Promise.all(Array.from({ length: flood }, attempt)).finally(() => (over = true))
  await sleep(50)
  const others = []
  while (!over) {
    const asked = performance.now()
    fine(await whoAmI(pds, who.accessJwt))
    others.push(performance.now() - asked)
  }
  const answers = await attempts
  const took = performance.now() - start

  const [hashed, refusedOnes] = [answers.filter((one) => one.status === 401), answers.filter((one) => one.status === 503)]
  assert.equal(hashed.length + refusedOnes.length, flood)
  assert.ok(hashed.length > 0 && refusedOnes.length > 0, `${hashed.length} hashed, ${refusedOnes.length} refused`)
  for (const one of refusedOnes) {
    assert.equal(one.body.error, 'ServiceUnavailable')
    const wait = Number(one.headers['retry-after'])
    assert.ok(Number.isInteger(wait) && wait >= 1 && wait <= 3, one.headers['retry-after'])
  }
  const slowest = Math.max(...answers.map((one) => one.ms))
  assert.ok(slowest < 2000 + 1500 + starved(), `two seconds and a hash, not ${slowest} ms`)
  const middle = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)]
  // Whoever is refused does not wait for the hashes of others, and neither does a session.
  assert.ok(others.length >= 10, `${others.length} answers of getSession in ${took} ms`)
  assert.ok(middle(others) < Math.max(100, took / 10), `getSession took ${middle(others)} ms, the flood ${took} ms`)
  fine(await logIn(pds, who.handle, who.password))
})

test('L3: whoever guesses from many addresses waits, its owner at a known one does not', own, async () => {
  const limited = await another({ env: { PDS_RATE_LIMITS_ENABLED: 'true' } })
  const who = await signUp(limited)
  const at = (address, password) => procedure(limited, `${S}createSession`, { identifier: who.handle, password }, { headers: from(address) })
  const time = async (call) => {
    const start = performance.now()
    fine(await call())
    return performance.now() - start
  }
  fine(await at('192.0.2.1', who.password))
  for (let i = 0; i < 24; i++) refused(await at(`198.51.100.${i}`, WRONG), 401, 'AuthenticationRequired')
  const [owner, stranger] = [await time(() => at('192.0.2.1', who.password)), await time(() => at('203.0.113.1', who.password))]
  assert.ok(stranger >= 1000, `the right password from elsewhere waits: ${stranger} ms`)
  assert.ok(owner < 1000 + starved(), `the owner waits ${owner} ms`)
})

test('L3: guesses at once take turns, and handle and DID are one name', own, async () => {
  const limited = await another()
  const who = await signUp(limited)
  const at = (address, identifier, password) =>
    procedure(limited, `${S}createSession`, { identifier, password }, { headers: from(address) })
  fine(await at('192.0.2.1', who.handle, who.password))
  for (let i = 0; i < 24; i++) refused(await at(`198.51.100.${i}`, i % 2 ? who.handle : who.did, WRONG), 401, 'AuthenticationRequired')
  const start = performance.now()
  const ends = []
  const guesses = await Promise.all(Array.from({ length: 4 }, async (_, i) => {
    const answer = await at(`203.0.113.${i}`, i % 2 ? who.handle : who.did, WRONG)
    ends.push(performance.now() - start)
    return answer
  }))
  for (const answer of guesses) refused(answer, 401, 'AuthenticationRequired')
  ends.sort((a, b) => a - b)
  assert.ok(ends[0] >= 950 && ends[3] >= 950 + 1200 + 1450 + 1700, `${ends.map(Math.round)} ms: one after the other`)
  // One address cannot fill the line.
  const greedy = await Promise.all(Array.from({ length: 5 }, () => at('203.0.113.9', who.handle, WRONG)))
  const over = greedy.filter((answer) => answer.status === 429)
  assert.equal(over.length, 2)
  refused(over[0], 429, 'RateLimitExceeded')
  fine(await at('192.0.2.1', who.handle, who.password))
})

test('A10: so many letters for one purpose, also without rate limits', own, async () => {
  const who = await signUp(pds)
  const ask = (method) => procedure(pds, S + method, undefined, { token: who.accessJwt })
  for (let i = 0; i < 5; i++) fine(await ask('requestAccountDelete'))
  const over = await ask('requestAccountDelete')
  refused(over, 429, 'RateLimitExceeded')
  const wait = Number(over.headers.get('retry-after'))
  assert.ok(wait > 600 && wait <= 720, `retry-after: ${wait}`)
  fine(await ask('requestEmailConfirmation'))
  // Who is not logged in is not told, and gets no letter.
  for (let i = 0; i < 5; i++) fine(await procedure(pds, `${S}requestPasswordReset`, { email: who.email }))
  const letters = await until('the queue to be empty', async () => {
    const before = smtp.to(who.email).length
    await sleep(1500)
    return smtp.to(who.email).length === before && before
  }, 20_000)
  for (let i = 0; i < 3; i++) fine(await procedure(pds, `${S}requestPasswordReset`, { email: who.email }))
  await sleep(1500)
  assert.equal(smtp.to(who.email).length, letters)
})

test('P18: what writes records draws on points that all these methods share', own, async () => {
  const limited = await another({ env: { PDS_RATE_LIMITS_ENABLED: 'true' } })
  const [who, other] = [await signUp(limited), await signUp(limited)]
  const collection = 'com.example.note'
  const value = { $type: collection, text: 'x' }
  const act = (method, body, { did, accessJwt } = who) =>
    procedure(limited, `com.atproto.repo.${method}`, { repo: did, ...body }, { token: accessJwt })
  const creates = (count) => ({ writes: Array.from({ length: count }, () => ({ $type: 'com.atproto.repo.applyWrites#create', collection, value })) })
  const left = (answer) => Number(answer.headers.get('ratelimit-remaining'))
  let answer
  for (let i = 0; i < 8; i++) fine((answer = await act('applyWrites', creates(200))))
  assert.equal(left(answer), 200)
  assert.equal(answer.headers.get('ratelimit-policy'), '5000;w=3600')
  const made = await act('createRecord', { collection, record: value })
  assert.equal(left(made), 197)
  const rkey = fine(made).uri.split('/').pop()
  assert.equal(left(await act('putRecord', { collection, rkey, record: { ...value, text: 'y' } })), 195)
  assert.equal(left(await act('deleteRecord', { collection, rkey })), 194)
  const over = await act('applyWrites', creates(65))
  refused(over, 429, 'RateLimitExceeded')
  assert.equal(left(over), 194)
  fine(await act('applyWrites', creates(64)))
  fine(await act('createRecord', { collection, record: value }, other))
})

test('P18: a record comes in a body of a million bytes, no more', own, async () => {
  const who = await signUp(pds)
  const collection = 'com.example.note'
  const write = async (size) => {
    const body = { repo: who.did, collection, record: { $type: collection, text: '' } }
    body.record.text = 'x'.repeat(size - JSON.stringify(body).length)
    return procedure(pds, 'com.atproto.repo.createRecord', body, { token: who.accessJwt })
  }
  fine(await write(500_000))
  assert.notEqual((await write(1_000_000)).status, 413)
  assert.equal((await write(1_000_001)).status, 413)
})

// --- the administrator ----------------------------------------------------------------------------

const invite = (pds, password, headers = {}) =>
  procedure(pds, `${S}createInviteCode`, { useCount: 1 }, { headers: { ...basic(password), ...headers } })

test('L10: guessing the admin password ends after twenty tries, also without rate limits', own, async () => {
  const pds = await another()
  for (let i = 0; i < 20; i++) refused(await invite(pds, `guess-${i}`, from('192.0.2.1')), 401, 'AuthenticationRequired')
  const over = await invite(pds, 'guess-20', from('192.0.2.1'))
  refused(over, 429, 'RateLimitExceeded')
  const wait = Number(over.headers.get('retry-after'))
  assert.ok(wait > 200 && wait <= 300, `retry-after: ${wait}`)
  refused(await invite(pds, pds.adminPassword, from('192.0.2.1')), 429, 'RateLimitExceeded')
  const list = await query(pds, 'com.atproto.admin.getInviteCodes', { headers: { ...basic(pds.adminPassword), ...from('192.0.2.1') } })
  refused(list, 429, 'RateLimitExceeded') // one count for all methods
  fine(await invite(pds, pds.adminPassword, from('192.0.2.2')))
  for (let i = 0; i < 30; i++) fine(await invite(pds, pds.adminPassword, from('192.0.2.2')))
  const who = await signUp(pds)
  const login = { identifier: who.handle, password: who.password }
  fine(await procedure(pds, `${S}createSession`, login, { headers: from('192.0.2.1') })) // people are not held up by it
})

test('L10: guesses that come at once are counted as well', own, async () => {
  const pds = await another()
  const guesses = await Promise.all(Array.from({ length: 60 }, (_, i) => invite(pds, `guess-${i}`, from('192.0.2.1'))))
  const judged = guesses.filter((answer) => answer.status === 401).length
  assert.ok(judged >= 20 && judged <= 20 + os.cpus().length, `${judged} of 60 were judged`)
})

test('L10: the admin password can be kept to this machine', own, async () => {
  const pds = await another({ env: { ROOST_ADMIN_FROM_LOOPBACK_ONLY: 'true' } })
  fine(await invite(pds, pds.adminPassword))
  fine(await invite(pds, pds.adminPassword, from('127.0.0.1')))
  for (const address of ['203.0.113.7', '10.0.0.1', '2001:db8::1', '127.0.0.1, 203.0.113.7']) {
    refused(await invite(pds, pds.adminPassword, from(address)), 403, 'Forbidden')
    refused(await invite(pds, 'a guess', from(address)), 403, 'Forbidden') // not told whether it is right
  }
  const who = await signUp(pds)
  fine(await procedure(pds, `${S}createSession`, { identifier: who.handle, password: who.password }, { headers: from('203.0.113.7') }))
})

test('L10: the admin password opens nothing of a person', own, async () => {
  const headers = basic(pds.adminPassword)
  const who = await signUp(pds)
  for (const method of ['getSession', 'checkAccountStatus', 'listAppPasswords', 'getAccountInviteCodes']) {
    refused(await query(pds, S + method, { headers }), 400, 'InvalidToken')
  }
  refused(await query(pds, `${S}getServiceAuth`, { query: { aud: pds.did }, headers }), 400, 'InvalidToken')
  for (const [method, body] of Object.entries({
    createAppPassword: { name: 'x' },
    revokeAppPassword: { name: 'x' },
    updateEmail: { email: person().email },
    confirmEmail: { email: who.email, token: 'AAAAA-BBBBB' },
    requestEmailConfirmation: undefined,
    requestEmailUpdate: undefined,
    requestAccountDelete: undefined,
    activateAccount: undefined,
    deactivateAccount: {},
  })) {
    refused(await procedure(pds, S + method, body, { headers }), 400, 'InvalidToken')
  }
  for (const method of ['refreshSession', 'deleteSession']) refused(await procedure(pds, S + method, undefined, { headers }), 401, 'AuthMissing')
  const mine = { ...person(), did: who.did }
  refused(await procedure(pds, `${S}createAccount`, mine, { headers }), 401, 'MissingJwt')
  refused(await logIn(pds, 'admin', pds.adminPassword), 401, 'AuthenticationRequired')
})
