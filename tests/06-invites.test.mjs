// Invite codes: made by the administrator, earned by time, listed, used, switched off.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asAdmin, basic, fine, procedure, query, refused } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { logIn, person, signUp } from './lib/people.mjs'
import { clock } from './lib/server.mjs'
import { roostOnly } from './lib/where.mjs'

const HOUR_S = 3600
const env = { PDS_INVITE_REQUIRED: 'true', PDS_INVITE_INTERVAL: String(HOUR_S * 1000) }
const { pds, another } = await house({ env })

const invite = async (at = pds, more = {}) =>
  fine(await asAdmin(at, 'com.atproto.server.createInviteCode', { useCount: 1, ...more })).code
const join = async (at = pds, more = {}) => signUp(at, { inviteCode: await invite(at), ...more })
const mine = async (who, ask = {}, at = pds) =>
  fine(await query(at, 'com.atproto.server.getAccountInviteCodes', { token: who.accessJwt, query: ask })).codes
const CODE = /^localhost-[a-z2-7]{5}-[a-z2-7]{5}$/

test('describeServer says that a code is needed', async () => {
  assert.equal(fine(await query(pds, 'com.atproto.server.describeServer')).inviteCodeRequired, true)
})

test('createInviteCode', async () => {
  const who = await join()
  assert.match(await invite(), CODE)
  const gift = await invite(pds, { useCount: 3, forAccount: who.did })
  const [listed] = await mine(who)
  assert.deepEqual({ ...listed, createdAt: undefined }, {
    code: gift,
    available: 3,
    disabled: false,
    forAccount: who.did,
    createdBy: 'admin',
    createdAt: undefined,
    uses: [],
  })
  assert.ok(Math.abs(new Date(listed.createdAt) - Date.now()) < 20_000)
  const post = (body) => asAdmin(pds, 'com.atproto.server.createInviteCode', body)
  refused(await post({}), 400, 'InvalidRequest')
  refused(await post({ useCount: 'one' }), 400, 'InvalidRequest')
  refused(await post({ useCount: 1.5 }), 400, 'InvalidRequest')
})

test('createInviteCodes', async () => {
  const [one, two] = [await join(), await join()]
  const post = (body) => asAdmin(pds, 'com.atproto.server.createInviteCodes', { useCount: 1, ...body })
  const { codes } = fine(await post({ codeCount: 2, forAccounts: [one.did, two.did] }))
  assert.deepEqual(codes.map((c) => c.account), [one.did, two.did])
  for (const { codes: list } of codes) {
    assert.equal(list.length, 2)
    for (const code of list) assert.match(code, CODE)
  }
  assert.deepEqual((await mine(two)).map((c) => c.code).sort(), codes[1].codes.slice().sort())
  assert.deepEqual(fine(await post({ forAccounts: [] })).codes, [])
  const plain = fine(await post({}))
  assert.equal(plain.codes.length, 1)
  assert.equal(plain.codes[0].account, 'admin')
  assert.equal(plain.codes[0].codes.length, 1)
  refused(await procedure(pds, 'com.atproto.server.createInviteCodes', { useCount: 1 }), 401, 'AuthenticationRequired')
})

test('a call makes at most 1,000 codes, whatever is multiplied', roostOnly('the reference has no bound'), async () => {
  const { did } = await join()
  const post = (codeCount, accounts) =>
    asAdmin(pds, 'com.atproto.server.createInviteCodes', { codeCount, useCount: 1, forAccounts: Array(accounts).fill(did) })
  for (const [codeCount, accounts] of [[0, 1], [1001, 1], [501, 2], [1, 1001], [2 ** 52, 2 ** 12]])
    refused(await post(codeCount, accounts), 400, 'InvalidRequest', /codeCount must be from 1 to 1000/)
})

test('uses are listed, and used codes can be left out', async () => {
  const owner = await join()
  const code = await invite(pds, { useCount: 2, forAccount: owner.did })
  const first = await signUp(pds, { inviteCode: code })
  let [listed] = await mine(owner, { includeUsed: false })
  assert.equal(listed.code, code)
  assert.deepEqual(listed.uses.map((use) => use.usedBy), [first.did])
  const second = await signUp(pds, { inviteCode: code })
  ;[listed] = await mine(owner)
  assert.deepEqual(listed.uses.map((use) => use.usedBy).sort(), [first.did, second.did].sort())
  for (const use of listed.uses) assert.ok(Math.abs(new Date(use.usedAt) - Date.now()) < 20_000)
  assert.deepEqual(await mine(owner, { includeUsed: false }), [])
})

test('switching codes off, by code and by account', async () => {
  const owner = await join()
  const [a, b] = [await invite(pds, { forAccount: owner.did }), await invite(pds, { forAccount: owner.did })]
  fine(await asAdmin(pds, 'com.atproto.admin.disableInviteCodes', { codes: [a] }))
  assert.deepEqual((await mine(owner)).map((c) => c.code), [b])
  fine(await asAdmin(pds, 'com.atproto.admin.disableInviteCodes', { accounts: [owner.did] }))
  assert.deepEqual(await mine(owner), [])
  for (const inviteCode of [a, b]) {
    refused(await procedure(pds, 'com.atproto.server.createAccount', { ...person(), inviteCode }), 400, 'InvalidInviteCode')
  }
  refused(await asAdmin(pds, 'com.atproto.admin.disableInviteCodes', { accounts: ['admin'] }), 400, 'InvalidRequest')
  refused(await procedure(pds, 'com.atproto.admin.disableInviteCodes', { codes: [a] }), 401, 'AuthenticationRequired')
})

test('the administrator sees all codes, page by page', async () => {
  await invite()
  await invite()
  const headers = basic(pds.adminPassword)
  const seen = []
  let cursor
  for (let page = 0; page < 200; page++) {
    const got = fine(
      await query(pds, 'com.atproto.admin.getInviteCodes', { headers, query: { limit: 5, ...(cursor && { cursor }) } }),
    )
    assert.ok(got.codes.length <= 5)
    seen.push(...got.codes.map((c) => c.code))
    cursor = got.cursor
    if (!cursor || got.codes.length === 0) break
  }
  assert.ok(seen.length >= 8)
  assert.equal(new Set(seen).size, seen.length)
  refused(await query(pds, 'com.atproto.admin.getInviteCodes'), 401, 'AuthenticationRequired')
})

test('who is taken down invites nobody', async () => {
  const owner = await join()
  const inviteCode = await invite(pds, { forAccount: owner.did })
  const subject = { $type: 'com.atproto.admin.defs#repoRef', did: owner.did }
  fine(await asAdmin(pds, 'com.atproto.admin.updateSubjectStatus', { subject, takedown: { applied: true, ref: 'x' } }))
  refused(await procedure(pds, 'com.atproto.server.createAccount', { ...person(), inviteCode }), 400, 'InvalidInviteCode')
})

test('a person earns a code each interval, five open ones at most', clock, async () => {
  const pds = await another()
  const [owner, barred] = [await join(pds), await join(pds)]
  assert.deepEqual(await mine(owner, {}, pds), [])
  fine(await asAdmin(pds, 'com.atproto.admin.disableAccountInvites', { account: barred.did }))

  await pds.restart({ ahead: 2 * HOUR_S + 300 })
  const later = fine(await logIn(pds, owner.handle, owner.password))
  assert.deepEqual(await mine(later, { createAvailable: false }, pds), [])
  const earned = await mine(later, {}, pds)
  assert.equal(earned.length, 2)
  for (const code of earned) {
    assert.match(code.code, CODE)
    assert.deepEqual([code.createdBy, code.forAccount, code.available, code.uses.length], [owner.did, owner.did, 1, 0])
  }
  assert.equal((await mine(later, {}, pds)).length, 2)
  const guest = await signUp(pds, { inviteCode: earned[0].code })
  const used = (await mine(later, {}, pds)).find((c) => c.code === earned[0].code)
  assert.equal(used.uses[0].usedBy, guest.did)

  const shut = fine(await logIn(pds, barred.handle, barred.password))
  assert.deepEqual(await mine(shut, {}, pds), [])

  await pds.restart({ ahead: 50 * HOUR_S })
  const muchLater = fine(await logIn(pds, owner.handle, owner.password))
  assert.equal((await mine(muchLater, { includeUsed: false }, pds)).length, 5)
  assert.equal((await mine(muchLater, {}, pds)).length, 6)

  fine(await asAdmin(pds, 'com.atproto.admin.enableAccountInvites', { account: barred.did }))
  const open = fine(await logIn(pds, barred.handle, barred.password))
  assert.equal((await mine(open, {}, pds)).length, 5)
})

test('codes are shown to their owner only', async () => {
  refused(await query(pds, 'com.atproto.server.getAccountInviteCodes'), 401, 'AuthMissing')
})
