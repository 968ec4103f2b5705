// Every method × every kind of caller: who is let in, and how the others are refused. The tables say what the
// reference server does (its auth verifier, and the handlers that look at the caller), and where roost means to do
// otherwise. With JOURNEY_COMMAND this holds another server, the reference, to what is said of it here.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import http from 'node:http'
import { fileURLToPath } from 'node:url'
import { after, test } from 'node:test'
import { Secp256k1Keypair } from '@atproto/crypto'
import { createServiceJwt } from '@atproto/xrpc-server'
import { asAdmin, basic, fine, procedure, query } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { forge, parts } from './lib/jwt.mjs'
import { logIn, newcomer, signUp } from './lib/people.mjs'
import { foreign } from './lib/where.mjs'

const { plc, pds } = await house({ mail: false })
const moderator = await newcomer(plc, 'mod')
// The AppView: whoever is let in to a method that is forwarded gets what it says. Of records it knows one, a feed.
const FEED = 'at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/app.bsky.feed.generator/feed'
const elsewhere = http.createServer((request, answer) => {
  const known = request.url.includes('getRecord') ? { uri: FEED, value: { $type: `${B}feed.generator`, did: 'did:web:feeds.example' } } : {}
  answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(known))
})
await new Promise((resolve) => elsewhere.listen(0, '127.0.0.1', resolve))
after(() => elsewhere.close())
await pds.restart({
  env: {
    PDS_MOD_SERVICE_URL: 'https://mod.example',
    PDS_MOD_SERVICE_DID: moderator.did,
    PDS_BSKY_APP_VIEW_URL: `http://localhost:${elsewhere.address().port}`,
    PDS_BSKY_APP_VIEW_DID: 'did:web:appview.example',
  },
})
const A = 'com.atproto.admin.'
const B = 'app.bsky.'
const I = 'com.atproto.identity.'
const R = 'com.atproto.repo.'
const S = 'com.atproto.server.'
const T = 'com.atproto.temp.'
const Y = 'com.atproto.sync.'
const PROFILE = 'app.bsky.actor.profile'

// What is in the cells of the table. `in`: what the row says that somebody who is let in gets.
const CELLS = {
  missing: '401 AuthMissing',
  token: '400 InvalidToken',
  expired: '400 ExpiredToken',
  who: '401 AuthenticationRequired',
  type: '401 BadJwtType',
  aud: '401 BadJwtAudience',
  lxm: '401 BadJwtLexiconMethod',
  sig: '401 BadJwtSignature',
  late: '401 JwtExpired',
  iss: '401 UntrustedIss',
  down: '401 AccountTakedown',
  off: '401 AccountDeactivated',
}

// What a method asks of its caller:
//   open      nothing            access   a session               full     one opened by the account's own password
//   write     a session, for its own repository                   reader   nobody, a session, or the administrator
//   upload    a session, or a service token of the account        service  nobody, or a service token
//   refresh   a refresh token    end      one, even expired       admin    the administrator
//   moderator the administrator, or a service token of the moderation service
const TABLE = `
caller             open access  full    write   reader  upload  service refresh end     admin moderator
nobody             in   missing missing missing in      missing in      missing missing who   who
user               in   in      in      in      in      in      type    token   token   who   type
another user       in   in      in      who     in      in      type    token   token   who   type
app password       in   in      token   in      in      in      type    token   token   who   type
privileged app     in   in      token   in      in      in      type    token   token   who   type
refresh token      in   token   token   token   token   token   type    in      in      who   type
its refresh late   in   token   token   token   token   token   type    expired in      who   type
refresh, forged    in   token   token   token   token   token   type    token   token   who   type
expired            in   expired expired expired expired expired type    token   token   who   type
forged             in   token   token   token   token   token   type    token   token   who   type
wrong audience     in   token   token   token   token   token   type    token   token   who   type
taken down         in   in      in      down    in      down    type    token   token   who   type
down, refresh      in   token   token   token   token   token   type    down    in      who   type
down, narrow       in   token   token   token   token   token   type    token   token   who   type
deactivated        in   in      in      off     in      in      type    token   token   who   type
deact., refresh    in   token   token   token   token   token   type    in      in      who   type
admin              in   token   token   token   in      token   who     missing missing in    in
admin, wrong       in   token   token   token   who     token   who     missing missing who   who
admin, other name  in   token   token   token   who     token   who     missing missing who   who
service            in   token   token   token   token   in      in      token   token   who   iss
service, no lxm    in   token   token   token   token   token   lxm     token   token   who   lxm
service, bad lxm   in   token   token   token   token   lxm     lxm     token   token   who   lxm
service, bad aud   in   token   token   token   token   aud     aud     token   token   who   iss
service, late      in   token   token   token   token   late    late    token   token   who   late
service, forged    in   token   token   token   token   sig     sig     token   token   who   iss
moderator          in   token   token   token   token   in      in      token   token   who   in
moderator, bad lxm in   token   token   token   token   lxm     lxm     token   token   who   lxm
moderator, bad aud in   token   token   token   token   aud     aud     token   token   who   aud
moderator, forged  in   token   token   token   token   sig     sig     token   token   who   sig
no token           in   token   token   token   token   token   token   token   token   who   token
unknown scheme     in   token   token   token   token   token   token   token   token   who   token
`

const OWN_PASSWORD = [
  ...['listAppPasswords', 'revokeAppPassword', 'confirmEmail', 'requestEmailConfirmation'].map((name) => S + name),
  `${I}submitPlcOperation`,
]
const APPS = ['app password', 'privileged app']
// Cells of single methods: [methods, callers, what the reference answers, what roost answers].
const CELLS_APART = [
  [[`${S}getServiceAuth#createAccount`], ['app password'], '400 InvalidRequest', '400 InvalidRequest'],
  // It means to let somebody who was taken down move away, and refuses the token for it.
  [[`${S}getServiceAuth#createAccount`], ['down, narrow'], '400 InvalidRequest', 'in'],
  [[`${S}getSession`], ['taken down'], '400 InvalidRequest', 'expired'],
  [[`${S}getAccountInviteCodes`], ['deactivated'], '400 NotFound', 'in'],
  // A service that proves who it is and has no account here.
  [[`${R}uploadBlob`], ['moderator'], '500 InternalServerError', '403 AccountNotFound'],
  [[`${S}createAccount`], ['admin', 'admin, wrong', 'admin, other name'], '401 AuthenticationRequired', '401 MissingJwt'],
  // Of whom, it does not say.
  [[`${B}actor.getPreferences`], ['moderator'], '400 InvalidRequest', '400 InvalidRequest'],
  [OWN_PASSWORD, APPS, 'in', 'token'],
]
// Where roost means to differ throughout: [callers, needs, what it answers].
const OTHERWISE = [
  // A takedown ends the sessions that are open: the token is over at the next request.
  [['taken down'], ['access', 'full', 'write', 'reader', 'upload'], 'expired'],
  // Wrong in two ways: the audience is looked at before the issuer.
  [['service, bad aud'], ['moderator'], 'aud'],
  // Credentials that are none are always refused as such.
  [['no token', 'unknown scheme'], ['admin'], 'token'],
]

const about = (more = {}) => (who) => ({ query: { did: who.did, ...more } })
const own = (body) => (who) => ({ body: { repo: who.did, collection: PROFILE, ...body } })
const NOTHING = () => ({})
// A list is the input of no method: whoever is let in hears that, and nothing happens.
const REFUSED_INPUT = () => ({ body: '[]' })
const record = { $type: 'com.example.note', text: 'hi' }

// method, what it asks, and how: the request, by the account it is about. Words after the need: `down` lets in
// the narrow session of somebody taken down; `minds` looks at whether the account is taken down.
// The name is the NSID, and a word more where there are two rows of one method.
const q = (name, needs, request = NOTHING, gets = '200') => ({ name, nsid: name.split('#')[0], needs, request, gets })
const p = (name, needs, request = REFUSED_INPUT, gets = '400 InvalidRequest') => ({ ...q(name, needs, request, gets), posts: true })
const METHODS = [
  p(`${A}deleteAccount`, 'admin'),
  p(`${A}disableAccountInvites`, 'moderator'),
  p(`${A}disableInviteCodes`, 'moderator'),
  p(`${A}enableAccountInvites`, 'moderator'),
  q(`${A}getAccountInfo`, 'moderator', about()),
  q(`${A}getAccountInfos`, 'moderator', (who) => ({ query: { dids: who.did } })),
  q(`${A}getInviteCodes`, 'moderator'),
  q(`${A}getSubjectStatus`, 'moderator', about()),
  q(`${A}searchAccounts`, 'moderator'),
  p(`${A}sendEmail`, 'moderator'),
  p(`${A}updateAccountEmail`, 'admin'),
  p(`${A}updateAccountHandle`, 'admin'),
  p(`${A}updateAccountPassword`, 'admin'),
  p(`${A}updateAccountSigningKey`, 'admin'),
  p(`${A}updateSubjectStatus`, 'moderator'),

  q(`${I}getRecommendedDidCredentials`, 'access'),
  p(`${I}refreshIdentity`, 'access'),
  p(`${I}requestPlcOperationSignature`, 'full down'),
  q(`${I}resolveDid`, 'open', about()),
  q(`${I}resolveHandle`, 'open', (who) => ({ query: { handle: who.handle } })),
  q(`${I}resolveIdentity`, 'open', (who) => ({ query: { identifier: who.did } })),
  p(`${I}signPlcOperation`, 'full down'),
  p(`${I}submitPlcOperation`, 'access'),
  p(`${I}updateHandle`, 'access minds'),

  p(`${R}applyWrites`, 'write', own({ collection: undefined, validate: false, writes: [{ $type: `${R}applyWrites#create`, collection: record.$type, value: record }] }), '200'),
  p(`${R}createRecord`, 'write', own({ collection: record.$type, record, validate: false }), '200'),
  p(`${R}deleteRecord`, 'write', own({ rkey: 'nobody' }), '200'),
  q(`${R}describeRepo`, 'open', (who) => ({ query: { repo: who.did } })),
  q(`${R}getRecord`, 'open', (who) => ({ query: { repo: who.did, collection: PROFILE, rkey: 'self' } })),
  p(`${R}importRepo`, 'full minds'),
  q(`${R}listMissingBlobs`, 'access'),
  q(`${R}listRecords`, 'open', (who) => ({ query: { repo: who.did, collection: PROFILE } })),
  p(`${R}putRecord`, 'write', own({ collection: record.$type, rkey: 'put', record, validate: false }), '200'),
  p(`${R}uploadBlob`, 'upload', () => ({ body: 'a blob', type: 'text/plain' }), '200'),

  p(`${S}activateAccount`, 'full'),
  q(`${S}checkAccountStatus`, 'access'),
  p(`${S}confirmEmail`, 'access minds'),
  p(`${S}createAccount`, 'service'),
  p(`${S}createAppPassword`, 'full minds'),
  p(`${S}createInviteCode`, 'admin'),
  p(`${S}createInviteCodes`, 'admin'),
  p(`${S}createSession`, 'open'),
  p(`${S}deactivateAccount`, 'full down'),
  p(`${S}deleteAccount`, 'open'),
  p(`${S}deleteSession`, 'end'),
  q(`${S}describeServer`, 'open'),
  q(`${S}getAccountInviteCodes`, 'full minds'),
  q(`${S}getServiceAuth`, 'access', () => ({ query: { aud: 'did:web:a.example', lxm: 'app.bsky.feed.getTimeline' } })),
  q(`${S}getServiceAuth#createAccount`, 'access down', () => ({ query: { aud: 'did:web:a.example', lxm: `${S}createAccount` } })),
  q(`${S}getSession`, 'access'),
  q(`${S}listAppPasswords`, 'access'),
  p(`${S}refreshSession`, 'refresh', NOTHING, '200'),
  p(`${S}requestAccountDelete`, 'full minds'),
  p(`${S}requestEmailConfirmation`, 'access minds'),
  p(`${S}requestEmailUpdate`, 'full minds'),
  p(`${S}requestPasswordReset`, 'open'),
  p(`${S}reserveSigningKey`, 'open'),
  p(`${S}resetPassword`, 'open'),
  p(`${S}revokeAppPassword`, 'access'),
  p(`${S}updateEmail`, 'full minds'),

  q(`${T}checkHandleAvailability`, 'open', () => ({ query: { handle: 'somebody-new.test' } })),
  q(`${T}checkSignupQueue`, 'access'),

  q(`${B}actor.getPreferences`, 'access down'),
  q(`${B}actor.getProfile`, 'access', (who) => ({ query: { actor: who.did } })),
  q(`${B}actor.getProfiles`, 'access', (who) => ({ query: { actors: who.did } })),
  p(`${B}actor.putPreferences`, 'access minds'),
  q(`${B}feed.getActorLikes`, 'access', (who) => ({ query: { actor: who.did } })),
  q(`${B}feed.getAuthorFeed`, 'access', (who) => ({ query: { actor: who.did } })),
  q(`${B}feed.getFeed`, 'access', () => ({ query: { feed: FEED } })),
  q(`${B}feed.getPostThread`, 'access', (who) => ({ query: { uri: `at://${who.did}/app.bsky.feed.post/x` } })),
  q(`${B}feed.getTimeline`, 'access'),
  p(`${B}notification.registerPush`, 'access'),
  p(`${B}notification.unregisterPush`, 'access'),
  p('com.atproto.moderation.createReport', 'access down'),
  { ...q(`${B}graph.getMutes`, 'access'), forwarded: true },
  { ...p(`${B}graph.muteActor`, 'access', NOTHING, '200'), forwarded: true },
  { ...q('com.atproto.label.queryLabels', 'access'), forwarded: true },

  q(`${Y}getBlob`, 'reader down', (who) => ({ query: { did: who.did, cid: who.blob } })),
  q(`${Y}getBlocks`, 'reader', (who) => ({ query: { did: who.did, cids: who.commit } })),
  q(`${Y}getCheckout`, 'reader', about()),
  q(`${Y}getHead`, 'reader', about()),
  q(`${Y}getHostStatus`, 'open', () => ({ query: { hostname: 'localhost' } })),
  q(`${Y}getLatestCommit`, 'reader', about()),
  q(`${Y}getRecord`, 'reader', about({ collection: PROFILE, rkey: 'self' })),
  q(`${Y}getRepo`, 'reader down', about()),
  q(`${Y}getRepoStatus`, 'open', about()),
  q(`${Y}listBlobs`, 'reader down', about()),
  q(`${Y}listRepos`, 'open'),
  q(`${Y}listReposByCollection`, 'open', () => ({ query: { collection: PROFILE } })),
  q(`${Y}subscribeRepos`, 'open', NOTHING, '426 UpgradeRequired'),
]
// What the reference does not serve.
const ROOST_ALONE = new Set([
  ...['searchAccounts', 'updateAccountSigningKey'].map((name) => A + name),
  ...['refreshIdentity', 'resolveDid', 'resolveIdentity'].map((name) => I + name),
  `${T}checkHandleAvailability`,
  ...['getHostStatus', 'listReposByCollection', 'subscribeRepos'].map((name) => Y + name),
])

/** need → caller → cell. */
function readTable() {
  const [head, ...lines] = TABLE.trim().split('\n')
  const needs = head.trim().split(/ +/).slice(1)
  const table = Object.fromEntries(needs.map((need) => [need, new Map()]))
  for (const line of lines) {
    const cells = line.slice(19).trim().split(/ +/)
    assert.equal(cells.length, needs.length, line)
    cells.forEach((cell, i) => table[needs[i]].set(line.slice(0, 19).trim(), cell))
  }
  return table
}

const table = readTable()

/** What the caller must hear from the method. */
function expected(method, caller) {
  const [need, ...words] = method.needs.split(' ')
  let cell = table[need].get(caller)
  if (words.includes('minds') && caller === 'taken down') cell = 'down'
  if (words.includes('down') && caller === 'down, narrow') cell = 'in'
  if (!foreign) cell = OTHERWISE.find(([callers, needs]) => callers.includes(caller) && needs.includes(need))?.[2] ?? cell
  const apart = CELLS_APART.find(([methods, callers]) => methods.includes(method.name) && callers.includes(caller))
  if (apart) cell = apart[foreign ? 2 : 3]
  return cell === 'in' ? method.gets : (CELLS[cell] ?? cell)
}

/** Someone with a profile, a blob and a commit. */
async function settle(kind) {
  const who = await signUp(pds)
  const token = who.accessJwt
  const { blob } = fine(await procedure(pds, `${R}uploadBlob`, `the picture of ${kind}`, { token, headers: { 'content-type': 'image/png' } }))
  const profile = { $type: PROFILE, displayName: kind, avatar: blob }
  const { commit } = fine(await procedure(pds, `${R}putRecord`, { repo: who.did, collection: PROFILE, rkey: 'self', record: profile }, { token }))
  return { ...who, blob: blob.ref.$link, commit: commit.cid }
}

/** caller → {about: whom the call is about, credentials(nsid): headers}. */
async function everybody() {
  const [user, other, down, deactivated] = await Promise.all(['user', 'another', 'down', 'deactivated'].map(settle))
  const appPassword = async (privileged) => {
    const { password } = fine(await procedure(pds, `${S}createAppPassword`, { name: `app ${privileged}`, privileged }, { token: user.accessJwt }))
    return fine(await logIn(pds, user.handle, password)).accessJwt
  }
  const [app, privileged] = [await appPassword(false), await appPassword(true)]
  const takedown = { subject: { $type: `${A}defs#repoRef`, did: down.did }, takedown: { applied: true } }
  fine(await asAdmin(pds, `${A}updateSubjectStatus`, takedown))
  const narrow = fine(await logIn(pds, down.handle, down.password, { allowTakendown: true })).accessJwt
  fine(await procedure(pds, `${S}deactivateAccount`, {}, { token: deactivated.accessJwt }))

  // Somebody on the way here, who has the key of their own service tokens.
  const guest = await newcomer(plc)
  const jwt = (nsid, more) => createServiceJwt({ iss: guest.did, aud: pds.did, lxm: nsid, keypair: guest.key, ...more })
  const wish = { handle: guest.handle, email: guest.email, password: guest.password, did: guest.did }
  fine(await procedure(pds, `${S}createAccount`, wish, { token: await jwt(`${S}createAccount`) }))
  const MODERATOR = { iss: moderator.did, keypair: moderator.key }
  const stranger = await Secp256k1Keypair.create()

  const access = parts(user.accessJwt)
  const refresh = parts(user.refreshJwt)
  const past = Math.floor(Date.now() / 1000) - 60
  const again = ({ header, payload }, more, key = pds.jwtSecret) => forge(header, { ...payload, ...more }, key)
  const bearer = (token, who = user) => ({ about: who, credentials: async (nsid) => ({ authorization: `Bearer ${await (typeof token === 'string' ? token : token(nsid))}` }) })
  const header = (headers) => ({ about: user, credentials: async () => headers })
  return new Map(
    Object.entries({
      nobody: header({}),
      user: bearer(user.accessJwt),
      'another user': bearer(other.accessJwt),
      'app password': bearer(app),
      'privileged app': bearer(privileged),
      'refresh token': bearer(user.refreshJwt),
      'its refresh late': bearer(again(refresh, { iat: past - 60, exp: past })),
      'refresh, forged': bearer(again(refresh, {}, 'another key')),
      expired: bearer(again(access, { iat: past - 60, exp: past })),
      forged: bearer(again(access, {}, 'another key')),
      'wrong audience': bearer(again(access, { aud: 'did:web:elsewhere.example' })),
      'taken down': bearer(down.accessJwt, down),
      'down, refresh': bearer(down.refreshJwt, down),
      'down, narrow': bearer(narrow, down),
      deactivated: bearer(deactivated.accessJwt, deactivated),
      'deact., refresh': bearer(deactivated.refreshJwt, deactivated),
      admin: header(basic(pds.adminPassword)),
      'admin, wrong': header(basic('wrong')),
      'admin, other name': header(basic(pds.adminPassword, 'root')),
      service: bearer((nsid) => jwt(nsid)),
      'service, no lxm': bearer(() => jwt(null)),
      'service, bad lxm': bearer(() => jwt('com.example.other')),
      'service, bad aud': bearer((nsid) => jwt(nsid, { aud: 'did:web:elsewhere.example' })),
      'service, late': bearer((nsid) => jwt(nsid, { iat: past - 60, exp: past })),
      'service, forged': bearer((nsid) => jwt(nsid, { keypair: stranger })),
      moderator: bearer((nsid) => jwt(nsid, MODERATOR)),
      'moderator, bad lxm': bearer(() => jwt('com.example.other', MODERATOR)),
      'moderator, bad aud': bearer((nsid) => jwt(nsid, { ...MODERATOR, aud: 'did:web:elsewhere.example' })),
      'moderator, forged': bearer((nsid) => jwt(nsid, { ...MODERATOR, keypair: stranger })),
      'no token': header({ authorization: 'Bearer' }),
      'unknown scheme': header({ authorization: 'Digest abc' }),
    }),
  ).set('user itself', { about: user })
}

let asked = 0
/** Asks as from an address of its own: failed log-ins of administrators are counted by address. */
async function ask(method, caller, { user }) {
  const whom = method.needs === 'open' ? user : caller.about
  const { body, type, ...rest } = method.request(whom)
  const n = ++asked
  const headers = { ...(await caller.credentials(method.nsid)), 'x-forwarded-for': `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}` }
  if (type) headers['content-type'] = type
  const answer = !method.posts ? await query(pds, method.nsid, { headers, ...rest }) : await procedure(pds, method.nsid, body, { headers })
  return answer.status < 300 ? String(answer.status) : `${answer.status} ${answer.body?.error}`
}

const root = fileURLToPath(new URL('../src/api', import.meta.url))

test('every method that the server has stands in the table', () => {
  const served = fs
    .readdirSync(root, { recursive: true })
    .filter((name) => name.includes('/') && name.endsWith('.cpp'))
    .map((name) => ({ nsid: name.slice(0, -'.cpp'.length).replaceAll('/', '.'), text: fs.readFileSync(`${root}/${name}`, 'utf8') }))
    .filter(({ nsid, text }) => text.includes(`::add_${nsid.split('.').at(-1)}(`)) // a method's path is its NSID
    .map(({ nsid }) => nsid)
  assert.ok(served.length > 80)
  assert.deepEqual([...new Set(METHODS.filter((one) => !one.forwarded).map((one) => one.nsid))].sort(), served.sort())
})

test('what an administrator changes goes through the audit log', () => {
  const acts = METHODS.filter((one) => one.posts && /^(admin|moderator)/.test(one.needs)).map((one) => one.nsid)
  assert.ok(acts.length >= 12)
  for (const nsid of acts) assert.match(fs.readFileSync(`${root}/${nsid.replaceAll('.', '/')}.cpp`, 'utf8'), /add_admin_act</, nsid)
})

test('every method × every caller', async () => {
  const callers = await everybody()
  const user = callers.get('user itself').about
  callers.delete('user itself')
  for (const need of Object.keys(table)) assert.deepEqual([...table[need].keys()], [...callers.keys()])
  const cells = METHODS.filter((one) => !foreign || !ROOST_ALONE.has(one.nsid)).flatMap((method) => [...callers].map(([name, caller]) => ({ method, name, caller })))
  const wrong = []
  const work = async () => {
    for (let cell = cells.pop(); cell; cell = cells.pop()) {
      const should = expected(cell.method, cell.name)
      const does = await ask(cell.method, cell.caller, { user })
      if (does !== should) wrong.push(`${cell.method.name} (${cell.method.needs}), ${cell.name}: ${does}, not ${should}`)
    }
  }
  await Promise.all(Array.from({ length: 16 }, work))
  assert.deepEqual(wrong.sort(), [])
})
