// The operator's tool, beside a server that runs and without one: its tables, its JSON, its statuses, and
// that what it changes is what clients see.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { verifyRepoCar } from '@atproto/repo'
import { asAdmin, fine, procedure, query, refused } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { freePort } from './lib/net.mjs'
import { logIn, person, rnd, signUp, whoAmI } from './lib/people.mjs'
import { roost } from './lib/roost.mjs'
import { secret } from './lib/secrets.mjs'
import { roostOnly } from './lib/where.mjs'

const { plc, smtp, pds, another } = await house()
const only = roostOnly('its own program')
const NOTE = 'org.example.note'
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'journey-tool-'))
after(() => fs.rmSync(folder, { recursive: true, force: true }))

/** Runs the tool with the settings of that server. */
const tool = (args, { server = pds, env = {} } = {}) => roost(args, { env: { ...server.environment(), ...env } })
/** The same, expected to succeed with JSON; its answer. */
async function told(args, options) {
  const ran = await tool([...args, '--json'], options)
  assert.equal(ran.code, 0, ran.err)
  assert.equal(ran.err, '')
  return JSON.parse(ran.out)
}
async function fails(args, status, words, options) {
  const ran = await tool(args, options)
  assert.equal(ran.code, status, ran.out + ran.err)
  assert.match(ran.err, words)
  assert.ok(ran.err.startsWith('roost: '), ran.err)
  assert.equal(ran.out, '')
}
const note = async (who, text, server = pds) =>
  fine(await procedure(server, 'com.atproto.repo.createRecord', { repo: who.did, collection: NOTE, record: { $type: NOTE, text } }, { token: who.accessJwt }))
const keyOf = async (who) => (await plc.client.getDocumentData(who.did)).verificationMethods.atproto

test('an account from its making to its end', only, async () => {
  const who = person('tool')
  const made = await told(['account', 'create', who.handle, '--email', who.email])
  assert.deepEqual([made.handle, Object.keys(made).sort()], [who.handle, ['did', 'handle', 'password']])
  secret(made.password, 'password')
  assert.match(made.password, /^([a-z2-7]{4}-){3}[a-z2-7]{4}$/)
  const session = fine(await logIn(pds, who.handle, made.password))
  await note(session, 'one')

  for (const name of [who.handle, made.did, who.email, `@${who.handle}`]) {
    const shown = await told(['account', 'show', name])
    assert.deepEqual(
      [shown.did, shown.handle, shown.email, shown.status, shown.records, shown.takedownRef],
      [made.did, who.handle, who.email, 'active', 1, null],
    )
  }
  const table = await tool(['account', 'show', who.handle])
  assert.match(table.out, new RegExp(`^did +${made.did}\nhandle +${who.handle}\ne-mail +${who.email} \\(not confirmed\\)\n`))

  const reset = await told(['account', 'reset-password', who.handle, '--yes'])
  secret(reset.password, 'password')
  assert.notEqual(reset.password, made.password)
  refused(await whoAmI(pds, session.accessJwt), 400, 'ExpiredToken')
  refused(await logIn(pds, who.handle, made.password), 401, 'AuthenticationRequired')
  fine(await logIn(pds, who.handle, reset.password))

  await told(['account', 'takedown', who.handle, '--ref', 'case-7', '--yes'])
  refused(await logIn(pds, who.handle, reset.password), 401, 'AccountTakedown')
  const down = await told(['account', 'show', who.handle])
  assert.deepEqual([down.status, down.takedownRef], ['takendown', 'case-7'])
  await told(['account', 'takedown', who.handle, '--undo'])
  fine(await logIn(pds, who.handle, reset.password))

  await told(['account', 'delete', who.handle, '--yes'])
  refused(await query(pds, 'com.atproto.sync.getRepoStatus', { query: { did: made.did } }), 400, 'RepoNotFound')
  await fails(['account', 'show', who.handle], 1, /there is no account "/)

  // All of it is in the audit log, the newest first.
  const { entries } = await told(['audit', made.did])
  assert.deepEqual(
    entries.map((each) => [each.method.split('.').at(-1), each.detail, each.outcome]),
    [
      ['deleteAccount', '', 'done'],
      ['updateSubjectStatus', 'takedown taken back', 'done'],
      ['updateSubjectStatus', 'takedown case-7', 'done'],
      ['updateAccountPassword', '', 'done'],
    ],
  )
  for (const entry of entries) assert.match(entry.actor, /^admin from (127\.0\.0\.1|::1)$/)
})

test('accounts are listed page by page', only, async () => {
  const word = `w${rnd()}`
  const people = []
  for (let i = 0; i < 3; i++) people.push(await signUp(pds, { email: secret(`${word}${i}@mail.example`, 'e-mail') }))
  const all = []
  let after = []
  for (let pages = 0; pages < 50; pages++) {
    const page = await told(['account', 'list', '--limit', '2', ...after])
    all.push(...page.accounts.map((each) => each.did))
    if (!page.cursor) break
    after = ['--after', page.cursor]
  }
  assert.deepEqual(all.slice(-3), people.map((each) => each.did))
  assert.equal(new Set(all).size, all.length)
  const found = await told(['account', 'list', '--email', word])
  assert.deepEqual(found.accounts.map((each) => each.did), people.map((each) => each.did))
  const table = (await tool(['account', 'list', '--email', word, '--limit', '2'])).out.split('\n')
  assert.match(table[0], /^handle +did +e-mail +status +created \(UTC\)$/)
  const column = table[0].indexOf('did')
  for (const [i, line] of table.slice(1, 3).entries()) assert.equal(line.indexOf(people[i].did), column)
  assert.match(table[4], /^There may be more: --after b:/)
})

test('invite codes', only, async (t) => {
  const server = await another({ env: { PDS_INVITE_REQUIRED: 'true' } })
  const codes = (await tool(['invite', 'create', '--count', '2', '--uses', '3'], { server })).out.trim().split('\n')
  assert.equal(codes.length, 2)
  const who = await signUp(server, { inviteCode: codes[0] })
  const listed = await told(['invite', 'list'], { server })
  const one = listed.codes.find((each) => each.code === codes[0])
  assert.deepEqual([one.available, one.disabled, one.forAccount, one.usedBy], [3, false, 'admin', [who.did]])
  assert.match((await tool(['invite', 'list'], { server })).out, new RegExp(`${codes[0]} +1 of 3 +open +admin`))
  const theirs = await told(['invite', 'create', '--for', who.handle], { server })
  assert.equal(theirs.codes[0].account, who.did)
  // Who makes an account needs no code.
  const more = person('tool')
  secret((await told(['account', 'create', more.handle, '--email', more.email], { server })).password, 'password')
  await server.stop()
  assert.equal((await told(['invite', 'list'], { server })).codes.length, 4)
})

test('repositories: verified, exported, and what is damaged is named and mended', only, async () => {
  const server = await another()
  const [ann, bob] = [await signUp(server), await signUp(server)]
  for (let i = 0; i < 80; i++) await note(ann, `note ${i}`, server)
  await note(bob, 'a note', server)
  assert.deepEqual((({ bytes, ...rest }) => rest)(await told(['repo', 'verify'], { server })), { checked: 2, records: 81, damaged: [] })
  assert.match((await tool(['repo', 'verify', ann.handle], { server })).out, /^Checked 1 repositories with 80 records of [\d,]+ bytes: all are sound\.\n$/)

  const file = path.join(folder, 'ann.car')
  await told(['repo', 'export', ann.handle, '-o', file], { server })
  assert.equal((await verifyRepoCar(new Uint8Array(fs.readFileSync(file)), ann.did, await keyOf(ann))).creates.length, 80)
  assert.equal(fs.statSync(file).mode & 0o777, 0o600)
  await fails(['repo', 'export', ann.handle, '-o', file], 1, /is there already/, { server })
  await fails(['repo', 'export', ann.handle, '-o', path.join(folder, 'no', 'x.car')], 1, /cannot write/, { server })
  await fails(['repo', 'export', 'nobody.test', '-o', path.join(folder, 'x.car')], 1, /there is no account/, { server })
  assert.deepEqual(fs.readdirSync(folder), ['ann.car'])

  await fails(['repo', 'rebuild', ann.handle], 1, /in use by the process with pid \d+; stop it first/, { server })
  await server.stop()
  const change = (...statements) => {
    const db = new DatabaseSync(path.join(server.data, 'roost.sqlite'))
    for (const sql of statements) db.exec(sql)
    db.close()
  }
  const damaged = async () => {
    const ran = await tool(['repo', 'verify', '--json'], { server })
    assert.equal(ran.code, 1, ran.err)
    return JSON.parse(ran.out).damaged
  }
  change(`UPDATE repo_node SET node = x'a0' WHERE repo_id = (SELECT id FROM repo WHERE record_count = 80) AND layer = 0`)
  const [nodes] = await damaged()
  assert.deepEqual([nodes.did, nodes.canBeRebuilt, nodes.problems.length], [ann.did, true, 1])
  assert.equal((await told(['repo', 'rebuild', ann.handle], { server })).records, 80)
  assert.deepEqual((await told(['repo', 'verify'], { server })).damaged, [])

  change(`DELETE FROM record WHERE repo_id = (SELECT id FROM repo WHERE record_count = 80) AND key = (SELECT max(key) FROM record WHERE key LIKE '${NOTE}/%' AND repo_id = (SELECT id FROM repo WHERE record_count = 80))`)
  const [record] = await damaged()
  assert.deepEqual([record.did, record.canBeRebuilt], [ann.did, false])
  await fails(['repo', 'rebuild', ann.handle], 1, /Nothing was changed\. Restore the database from a backup; or/, { server })
  await fails(['repo', 'rebuild', ann.handle, '--sign'], 2, /say --yes/, { server })
  assert.equal((await told(['repo', 'rebuild', ann.handle, '--sign', '--yes'], { server })).records, 79)
  assert.deepEqual((await told(['repo', 'verify'], { server })).damaged, [])
  const { entries } = await told(['audit', ann.handle], { server })
  assert.deepEqual(entries.map((each) => [each.actor, each.method, each.detail]), [
    ['tool', 'roost repo rebuild', 'with a new commit'],
    ['tool', 'roost repo rebuild', ''],
  ])

  // The server goes on from there.
  await server.restart()
  await note(ann, 'after', server)
  const car = new Uint8Array(await (await fetch(`${server.url}/xrpc/com.atproto.sync.getRepo?did=${ann.did}`)).arrayBuffer())
  assert.equal((await verifyRepoCar(car, ann.did, await keyOf(ann))).creates.length, 80)
})

test('a stopped server: what reads works, what changes says so', only, async () => {
  const server = await another()
  const who = await signUp(server)
  await server.stop()
  assert.equal((await told(['account', 'show', who.handle], { server })).did, who.did)
  assert.equal((await told(['account', 'list'], { server })).accounts.length, 1)
  assert.deepEqual((await told(['audit'], { server })).entries, [])
  assert.equal((await told(['repo', 'verify'], { server })).checked, 1)
  const file = path.join(folder, 'stopped.car')
  assert.ok((await told(['repo', 'export', who.handle, '-o', file], { server })).bytes > 100)
  for (const args of [
    ['account', 'create', 'x.test', '--email', 'x@mail.example'],
    ['account', 'takedown', who.handle, '--yes'],
    ['account', 'delete', who.handle, '--yes'],
    ['account', 'reset-password', who.handle, '--yes'],
    ['invite', 'create'],
  ])
    await fails(args, 1, /the server does not run \(nothing answers at http:\/\/.*\): start it/, { server })
  await server.restart()
  fine(await logIn(server, who.handle, who.password))
})

test('what is wrong is said, and what to do', only, async () => {
  const who = await signUp(pds)
  await fails(['account', 'delete', who.handle], 2, /say --yes/)
  await fails(['account', 'delete', who.handle, '--yes'], 1, /does not take this admin password/, { env: { PDS_ADMIN_PASSWORD: 'another' } })
  await fails(['account', 'delete', who.handle, '--yes'], 1, /runs, but does not answer at .*PDS_PORT/, { env: { PDS_PORT: String(await freePort()) } })
  await fails(['account', 'list'], 1, /there is no .*roost\.sqlite: name the server's folder/, { env: { PDS_DATA_DIRECTORY: folder } })
  await fails(['account', 'list'], 2, /PDS_PORT: "x" is wrong/, { env: { PDS_PORT: 'x' } })
  await fails(['account', 'create', who.handle, '--email', 'new@mail.example'], 1, /refused com\.atproto\.server\.createAccount: .*\(HandleNotAvailable\)/)
  for (const args of [['account'], ['account', 'fly'], ['repo', 'export', who.handle], ['mail', 'test'], ['account', 'list', '--limit', '0'], ['accounts']])
    await fails(args, 2, /roost/)
  await fails(['crawl'], 1, /PDS_CRAWLERS/)
  fine(await whoAmI(pds, who.accessJwt))
})

test('the relays are asked now', only, async (t) => {
  const asked = []
  const relay = http.createServer(async (req, res) => {
    const body = []
    for await (const piece of req) body.push(piece)
    asked.push([req.url, JSON.parse(Buffer.concat(body))])
    if (req.url.startsWith('/no')) return res.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"x","message":"not you"}')
    res.writeHead(200).end('')
  })
  await new Promise((resolve) => relay.listen(0, '127.0.0.1', resolve))
  t.after(() => relay.close())
  const url = `http://127.0.0.1:${relay.address().port}`
  const env = { PDS_CRAWLERS: url }
  assert.deepEqual(await told(['crawl'], { env }), { relays: [{ url, answer: 'accepted', acceptedAt: null, failures: 0 }] })
  assert.deepEqual(asked, [['/xrpc/com.atproto.sync.requestCrawl', { hostname: 'localhost' }]])
  const ran = await tool(['crawl'], { env: { PDS_CRAWLERS: `${url},${url}/no` } })
  assert.equal(ran.code, 1)
  assert.match(ran.out, /accepted/)
  assert.match(ran.out, /HTTP status 400: not you/)
})

test('a letter is sent now', only, async () => {
  const to = secret(`tool-${rnd()}@mail.example`, 'e-mail')
  const ran = await tool(['mail', 'test', to])
  assert.deepEqual([ran.code, ran.err], [0, ''])
  assert.match(ran.out, /took the letter/)
  assert.equal((await smtp.mail(to)).from, 'pds@example.com')
  await fails(['mail', 'test', to, '--moderation'], 1, /PDS_MODERATION_EMAIL_SMTP_URL/)
  await fails(['mail', 'test', 'nobody'], 1, /is no e-mail address/)
  await fails(['mail', 'test', to], 1, /was not sent/, { env: { PDS_EMAIL_SMTP_URL: `smtp://127.0.0.1:${await freePort()}` } })
})

test('help', only, async () => {
  const overview = (await roost(['help'])).out
  for (const word of ['account', 'invite', 'repo', 'audit', 'crawl', 'mail']) assert.match(overview, new RegExp(`^  ${word} `, 'm'))
  const one = await roost(['help', 'account', 'takedown'])
  assert.equal(one.code, 0)
  assert.match(one.out, /--undo/)
  assert.match((await roost(['help', 'account'])).out, /reset-password/)
  assert.equal((await roost(['help', 'account', 'fly'])).code, 2)
})

test('every act of an administrator leaves one line in the log, whoever and whatever', only, async () => {
  const who = await signUp(pds)
  const newest = async () => (await told(['audit', '--limit', '1'])).entries[0]
  const acts = {
    'com.atproto.admin.updateAccountEmail': [{ account: who.did, email: secret(`a-${rnd()}@mail.example`, 'e-mail') }, who.did],
    'com.atproto.admin.updateAccountPassword': [{ did: who.did, password: secret(`a horse ${rnd()}`, 'password') }, who.did],
    'com.atproto.admin.disableAccountInvites': [{ account: who.did }, who.did],
    'com.atproto.admin.enableAccountInvites': [{ account: who.did }, who.did],
    'com.atproto.admin.disableInviteCodes': [{ codes: ['a-code'], accounts: [who.did] }, `a-code ${who.did}`],
    'com.atproto.admin.sendEmail': [{ recipientDid: who.did, senderDid: who.did, content: secret(`words ${rnd()}`, 'words') }, who.did],
    'com.atproto.server.createInviteCode': [{ useCount: 1 }, 'admin'],
    'com.atproto.server.createInviteCodes': [{ useCount: 1, codeCount: 2, forAccounts: [who.did] }, who.did],
    'com.atproto.admin.updateSubjectStatus': [
      { subject: { $type: 'com.atproto.admin.defs#repoRef', did: who.did }, deactivated: { applied: true } },
      who.did,
    ],
    'com.atproto.admin.deleteAccount': [{ did: who.did }, who.did],
  }
  let last = (await newest())?.id ?? 0
  for (const [method, [body, subject]] of Object.entries(acts)) {
    fine(await asAdmin(pds, method, body))
    const entry = await newest()
    assert.deepEqual([entry.id, entry.method, entry.subject, entry.outcome], [last + 1, method, subject, 'done'])
    last = entry.id
  }
  // What is refused is written down, too; what an administrator only looks at is not.
  refused(await asAdmin(pds, 'com.atproto.admin.deleteAccount', { did: who.did }), 400, 'NotFound')
  const entry = await newest()
  assert.deepEqual([entry.id, entry.method, entry.outcome], [last + 1, 'com.atproto.admin.deleteAccount', 'NotFound'])
  await asAdmin(pds, 'com.atproto.admin.getAccountInfo')
  assert.equal((await newest()).id, entry.id)
})
