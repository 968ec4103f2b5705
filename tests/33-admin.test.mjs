// What administrators may do: by the password, and by tokens of the moderation service that this server
// trusts; and that each thing they do is written down.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import { createServiceJwt } from '@atproto/xrpc-server'
import { Secp256k1Keypair } from '@atproto/crypto'
import { basic, fine, procedure, query, refused } from './lib/ask.mjs'
import { startPlc } from './lib/plc.mjs'
import { logIn, newcomer, refresh, rnd, signUp as join, whoAmI } from './lib/people.mjs'
import { secret } from './lib/secrets.mjs'
import { startServer } from './lib/server.mjs'
import { startSmtp } from './lib/smtp.mjs'
import { roostOnly } from './lib/where.mjs'

const plc = await startPlc()
const smtp = await startSmtp()
const moderationPost = await startSmtp()
const moderator = await newcomer(plc, 'mod')
const pds = await startServer({
  plc,
  smtp,
  env: {
    PDS_INVITE_REQUIRED: 'true',
    PDS_BSKY_APP_VIEW_URL: 'https://appview.example',
    PDS_BSKY_APP_VIEW_DID: 'did:web:appview.example',
    PDS_MOD_SERVICE_URL: 'https://mod.example',
    PDS_MOD_SERVICE_DID: moderator.did,
    PDS_MODERATION_EMAIL_SMTP_URL: moderationPost.url,
    PDS_MODERATION_EMAIL_ADDRESS: 'moderators@example.com',
  },
})
after(async () => {
  await pds.close()
  await smtp.close()
  await moderationPost.close()
  await plc.close()
})
const own = roostOnly('its own audit log')
const A = 'com.atproto.admin.'

/** An agent with those headers on each call. */
function agentWith(headers) {
  const agent = new AtpAgent({ service: pds.url })
  for (const [name, value] of Object.entries(headers)) agent.setHeader(name, value)
  return agent.com.atproto
}
const admin = () => agentWith(basic(pds.adminPassword))
const tokenFor = async (lxm, more = {}) => {
  const { key, ...rest } = more
  return (await createServiceJwt({ iss: moderator.did, aud: pds.did, lxm, keypair: key ?? moderator.key, ...rest })).toString()
}
const asModerator = async (lxm, more) => agentWith({ authorization: `Bearer ${await tokenFor(lxm, more)}` })
/** Signs somebody up, with a code of the administrator's unless it brings one. */
async function signUp(server, more = {}) {
  const inviteCode = more.inviteCode ?? (await admin().server.createInviteCode({ useCount: 1 })).data.code
  return join(server, { ...more, inviteCode })
}
const info = async (who) => (await admin().admin.getAccountInfo({ did: who.did })).data
const failing = (status, error) => (thrown) => {
  assert.deepEqual([thrown.status, thrown.error], [status, error], thrown.message)
  return true
}

test('what an account looks like to an administrator', async () => {
  const inviter = await signUp(pds)
  const code = (await admin().server.createInviteCode({ useCount: 2, forAccount: inviter.did })).data.code
  const who = await signUp(pds, { inviteCode: code })
  const seen = await info(who)
  assert.deepEqual([seen.did, seen.handle, seen.email], [who.did, who.handle, who.email])
  assert.deepEqual([seen.invites, seen.invitesDisabled, seen.invitedBy.code], [[], false, code])
  assert.equal(seen.emailConfirmedAt, undefined)
  assert.equal(seen.deactivatedAt, undefined)
  assert.ok(Date.parse(seen.indexedAt) > 0)
  const host = await info(inviter)
  assert.deepEqual(host.invites.map((each) => [each.code, each.uses.map((use) => use.usedBy)]), [[code, [who.did]]])

  const { infos } = (await admin().admin.getAccountInfos({ dids: [who.did, 'did:plc:nobody', inviter.did] })).data
  assert.deepEqual(infos.map((each) => each.did), [who.did, inviter.did])
  await assert.rejects(admin().admin.getAccountInfo({ did: 'did:web:nobody.example' }), failing(400, 'NotFound'))
})

test('accounts are found by their addresses', own, async () => {
  const word = `q${rnd()}`
  const people = []
  for (const name of [`${word}.a`, `${word}.b`, `x.${word}`]) people.push(await signUp(pds, { email: secret(`${name}@mail.example`, 'e-mail') }))
  const search = async (params) => (await admin().admin.searchAccounts(params)).data
  const dids = (page) => page.accounts.map((each) => each.did)
  assert.deepEqual(dids(await search({ email: word.toUpperCase() })), people.map((each) => each.did))
  assert.deepEqual(dids(await search({ email: people[1].email })), [people[1].did])
  const first = await search({ email: word, limit: 2 })
  assert.deepEqual(dids(first), [people[0].did, people[1].did])
  assert.deepEqual(dids(await search({ email: word, limit: 2, cursor: first.cursor })), [people[2].did])
  const all = []
  for (let cursor, pages = 0; pages === 0 || cursor; pages++) {
    assert.ok(pages < 50)
    const page = await search({ limit: 3, ...(cursor && { cursor }) })
    all.push(...dids(page))
    cursor = page.cursor
  }
  assert.equal(new Set(all).size, all.length)
  for (const each of people) assert.ok(all.includes(each.did))
  await assert.rejects(search({ cursor: 'nonsense' }), failing(400, 'InvalidRequest'))
})

test('an administrator changes an address', async () => {
  const who = await signUp(pds)
  const other = await signUp(pds)
  const email = secret(`new-${rnd()}@mail.example`, 'e-mail')
  const set = (account, address) => admin().admin.updateAccountEmail({ account, email: address })
  await set(who.did, email)
  assert.equal((await info(who)).email, email)
  const again = secret(`newer-${rnd()}@mail.example`, 'e-mail')
  await set(who.handle, again.toUpperCase())
  assert.equal((await info(who)).email, again)
  await assert.rejects(set(who.did, other.email), failing(400, 'InvalidRequest'))
  await assert.rejects(set(who.did, 'no address'), failing(400, 'InvalidRequest'))
  assert.equal((await info(who)).email, again)
})

test('an administrator changes a password, and every session ends', async () => {
  const who = await signUp(pds)
  const other = fine(await logIn(pds, who.handle, who.password))
  const password = secret(`another horse ${rnd()}`, 'password')
  await admin().admin.updateAccountPassword({ did: who.did, password })
  for (const token of [who.refreshJwt, other.refreshJwt]) refused(await refresh(pds, token), 400, 'ExpiredToken')
  refused(await logIn(pds, who.handle, who.password), 401, 'AuthenticationRequired')
  fine(await logIn(pds, who.handle, password))
  await assert.rejects(admin().admin.updateAccountPassword({ did: who.did, password: 'x'.repeat(300) }), (thrown) => thrown.status === 400)
})

test('an administrator changes a handle, to a reserved one too', async () => {
  const who = await signUp(pds)
  const domain = who.handle.slice(who.handle.indexOf('.'))
  const set = (did, handle) => admin().admin.updateAccountHandle({ did, handle })
  await assert.rejects(set('did:plc:aaaaaaaaaaaaaaaaaaaaaaaa', `x-${rnd()}${domain}`), failing(400, 'NotFound'))
  await assert.rejects(set(who.did, (await signUp(pds)).handle), failing(400, 'HandleNotAvailable'))
  for (const handle of [`n-${rnd()}${domain}`, `support${domain}`]) {
    await set(who.did, handle)
    assert.equal((await whoAmI(pds, who.accessJwt)).body.handle, handle)
    assert.equal((await plc.client.getDocumentData(who.did)).alsoKnownAs[0], `at://${handle}`)
  }
})

test('a letter of an administrator goes by its own mail server', async () => {
  const who = await signUp(pds)
  const ask = {
    recipientDid: who.did,
    senderDid: moderator.did,
    subject: 'Your post — a word',
    content: '<p>Hello <b>you</b> &amp; yours,</p><p>see <a href="https://example.com/rules">the rules</a>.</p>',
    comment: 'not for their eyes',
  }
  for (const [nth, caller] of [admin(), await asModerator(`${A}sendEmail`)].entries()) {
    assert.deepEqual((await caller.admin.sendEmail(ask)).data, { sent: true })
    const mail = await moderationPost.mail(who.email, nth + 1, 30_000)
    assert.deepEqual([mail.from, mail.subject], ['moderators@example.com', ask.subject])
    assert.equal(mail.html.trim(), ask.content)
    assert.equal(mail.text.trim(), 'Hello you & yours,\n\nsee the rules (https://example.com/rules).')
  }
  assert.deepEqual(smtp.to(who.email), [])
  delete ask.subject
  await admin().admin.sendEmail(ask)
  assert.equal((await moderationPost.mail(who.email, 3, 30_000)).subject, 'Message via your PDS')
})

test('the moderation service may do what the reference lets it do', async () => {
  const who = await signUp(pds)
  const subject = { $type: 'com.atproto.admin.defs#repoRef', did: who.did }
  const code = (await admin().server.createInviteCode({ useCount: 1 })).data.code
  const may = {
    getAccountInfo: (api) => api.admin.getAccountInfo({ did: who.did }),
    getAccountInfos: (api) => api.admin.getAccountInfos({ dids: [who.did] }),
    getSubjectStatus: (api) => api.admin.getSubjectStatus({ did: who.did }),
    getInviteCodes: (api) => api.admin.getInviteCodes(),
    disableAccountInvites: (api) => api.admin.disableAccountInvites({ account: who.did }),
    enableAccountInvites: (api) => api.admin.enableAccountInvites({ account: who.did }),
    disableInviteCodes: (api) => api.admin.disableInviteCodes({ codes: [code] }),
    updateSubjectStatus: (api) => api.admin.updateSubjectStatus({ subject, takedown: { applied: true, ref: 'case-1' } }),
    sendEmail: (api) => api.admin.sendEmail({ recipientDid: who.did, senderDid: moderator.did, content: 'x' }),
  }
  for (const [name, call] of Object.entries(may)) assert.equal((await call(await asModerator(A + name))).success, true, name)
  refused(await logIn(pds, who.handle, who.password), 401, 'AccountTakedown')

  const mayNot = {
    updateAccountEmail: (api) => api.admin.updateAccountEmail({ account: who.did, email: 'a@mail.example' }),
    updateAccountHandle: (api) => api.admin.updateAccountHandle({ did: who.did, handle: 'a.test' }),
    updateAccountPassword: (api) => api.admin.updateAccountPassword({ did: who.did, password: 'a fine password' }),
    deleteAccount: (api) => api.admin.deleteAccount({ did: who.did }),
  }
  for (const [name, call] of Object.entries(mayNot))
    await assert.rejects(call(await asModerator(A + name)), failing(401, 'AuthenticationRequired'), name)
})

test('the moderation service may look at the preferences of an account', async () => {
  const who = await signUp(pds)
  const lxm = 'app.bsky.actor.getPreferences'
  const preferences = [{ $type: 'app.bsky.actor.defs#adultContentPref', enabled: true }]
  fine(await procedure(pds, 'app.bsky.actor.putPreferences', { preferences }, { token: who.accessJwt }))
  const look = async (about, headers) => query(pds, lxm, { query: about, token: await tokenFor(lxm), headers })
  assert.deepEqual(fine(await look({ did: who.did })), { preferences })
  refused(await look({}), 400, 'InvalidRequest', 'Invalid or missing did parameter')
  refused(await look({ did: 'somebody' }), 400, 'InvalidRequest', 'Invalid or missing did parameter')
  refused(await look({ did: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' }), 400, 'NotFound')
  refused(await query(pds, lxm, { query: { did: who.did }, token: await tokenFor(`${A}getAccountInfo`) }), 400, 'InvalidToken')
  const theirs = { 'atproto-proxy': 'did:web:other.example#bsky_appview' }
  refused(await look({ did: who.did }, theirs), 400, 'InvalidRequest', 'Moderator requests cannot be proxied to other app views')
})

test('a token must be of the moderation service, for this method and this server, and new', async () => {
  const who = await signUp(pds)
  const stranger = await newcomer(plc)
  const lxm = `${A}getAccountInfo`
  const ask = async (more, method = lxm) => {
    const token = typeof more === 'string' ? more : await tokenFor(method, more)
    return query(pds, lxm, { query: { did: who.did }, token })
  }
  fine(await ask({}))
  fine(await ask({ aud: `${pds.did}#atproto_pds` }))
  refused(await ask({ iss: stranger.did, key: stranger.key }), 401, 'UntrustedIss')
  refused(await ask({ iss: `${moderator.did}#other` }), 401, 'UntrustedIss')
  refused(await ask({ key: stranger.key }), 401, 'BadJwtSignature')
  refused(await ask({ key: await Secp256k1Keypair.create() }), 401, 'BadJwtSignature')
  refused(await ask({ aud: 'did:web:other.example' }), 401, 'BadJwtAudience')
  refused(await ask({}, `${A}getAccountInfos`), 401, 'BadJwtLexiconMethod')
  refused(await ask({}, null), 401, 'BadJwtLexiconMethod')
  refused(await ask({ exp: Math.floor(Date.now() / 1000) - 10 }), 401, 'JwtExpired')
  refused(await ask(who.accessJwt), 401, 'BadJwtType')
  const once = await tokenFor(lxm)
  fine(await ask(once))
  refused(await ask(once), 401, 'JwtReplayed')
})

test('nobody else may', async () => {
  const who = await signUp(pds)
  const wrong = basic('not the password')
  for (const name of ['getAccountInfo', 'searchAccounts']) {
    const ask = (more) => query(pds, A + name, { query: { did: who.did }, ...more })
    refused(await ask({}), 401, 'AuthenticationRequired')
    refused(await ask({ headers: wrong }), 401, 'AuthenticationRequired')
  }
  for (const [name, body] of [
    ['updateAccountEmail', { account: who.did, email: 'a@mail.example' }],
    ['updateAccountPassword', { did: who.did, password: 'a fine password' }],
    ['sendEmail', { recipientDid: who.did, senderDid: who.did, content: 'x' }],
  ]) {
    refused(await procedure(pds, A + name, body), 401, 'AuthenticationRequired')
    refused(await procedure(pds, A + name, body, { headers: wrong }), 401, 'AuthenticationRequired')
  }
  fine(await whoAmI(pds, who.accessJwt))
})

test('whether a handle is free, and what is like it', own, async () => {
  const who = await signUp(pds)
  const check = (params) => agentWith({}).temp.checkHandleAvailability(params)
  const T = 'com.atproto.temp.checkHandleAvailability'
  const free = `free-${rnd()}.test`
  assert.deepEqual((await check({ handle: free })).data, { handle: free, result: { $type: `${T}#resultAvailable` } })
  const { result } = (await check({ handle: who.handle, email: `nice.${rnd()}@mail.example` })).data
  assert.equal(result.$type, `${T}#resultUnavailable`)
  assert.equal(result.suggestions.length, 5)
  assert.deepEqual(result.suggestions.map((each) => each.method), ['email', 'number', 'number', 'number', 'number'])
  for (const { handle } of result.suggestions) assert.equal((await check({ handle })).data.result.$type, `${T}#resultAvailable`, handle)
  await signUp(pds, { handle: result.suggestions[1].handle })
  await assert.rejects(check({ handle: who.handle, email: 'none' }), failing(400, 'InvalidEmail'))
  await assert.rejects(check({ handle: 'ann.example.com' }), failing(400, 'UnsupportedDomain'))
})

test('nobody waits in a queue here', async () => {
  const who = await signUp(pds)
  const ask = (token) => query(pds, 'com.atproto.temp.checkSignupQueue', { token })
  assert.deepEqual(fine(await ask(who.accessJwt)), { activated: true })
  refused(await ask(), 401, 'AuthMissing')
})
