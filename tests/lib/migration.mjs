// An account moves, in the steps of the account migration guide (https://atproto.com/guides/account-migration), by a
// client that may be cut off after any of them: each step looks at what is done already, so all of them can be taken
// again from the first.
import assert from 'node:assert/strict'
import { asAdmin, fine, procedure, query } from './ask.mjs'
import { logIn } from './people.mjs'

const B = 'app.bsky.actor.'
const I = 'com.atproto.identity.'
const R = 'com.atproto.repo.'
const S = 'com.atproto.server.'
const Y = 'com.atproto.sync.'
const CAR = 'application/vnd.ipld.car'

export async function bytesOf(pds, method, params, token) {
  const answer = await fetch(`${pds.url}/xrpc/${method}?${new URLSearchParams(params)}`, {
    headers: token ? { authorization: `Bearer ${token}` } : {},
    signal: AbortSignal.timeout(60_000),
  })
  const bytes = new Uint8Array(await answer.arrayBuffer())
  assert.equal(answer.status, 200, `${method}: ${Buffer.from(bytes).toString()}`)
  return { bytes, type: answer.headers.get('content-type') }
}

/** Everything of a list that comes in pages. */
export async function pages(pds, method, params, member, options) {
  const all = []
  for (let cursor, n = 0; ; n++) {
    assert.ok(n < 1000, `${method} does not end`)
    const page = fine(await query(pds, method, { ...options, query: { ...params, ...(cursor && { cursor }) } }))
    all.push(...page[member])
    cursor = page.cursor
    if (!cursor || page[member].length === 0) return all
  }
}

/**
 * `who` has did, email, password and handle (on the old server); `from` and `to` are servers, `handle` is the one on
 * the new server. `announce(credentials, sessions)` changes the identity; `invite` is a code for the new server.
 */
export class Migration {
  constructor({ who, from, to, handle, announce }) {
    Object.assign(this, { who, from, to, handle, announce })
  }

  static steps = ['createAccount', 'importRepo', 'moveBlobs', 'movePreferences', 'changeIdentity', 'activate', 'closeOld']

  /** The first `count` steps, or all, by sessions that were just opened. */
  async run(count = Migration.steps.length) {
    this.old = fine(await logIn(this.from, this.who.handle, this.who.password)).accessJwt
    this.new = (await logIn(this.to, this.handle, this.who.password)).body?.accessJwt
    for (const step of Migration.steps.slice(0, count)) await this[step]()
  }

  /** The statuses that both servers tell: {old, new}. */
  async status() {
    const ask = async (pds, token) => fine(await query(pds, `${S}checkAccountStatus`, { token }))
    return { old: await ask(this.from, this.old), new: await ask(this.to, this.new) }
  }

  async createAccount() {
    if (this.new) return
    const { did: aud } = fine(await query(this.to, `${S}describeServer`))
    const lxm = `${S}createAccount`
    const { token } = fine(await query(this.from, `${S}getServiceAuth`, { token: this.old, query: { aud, lxm } }))
    const { did, email, password } = this.who
    const { code } = fine(await asAdmin(this.to, `${S}createInviteCode`, { useCount: 1 }))
    const made = fine(await procedure(this.to, lxm, { did, email, password, handle: this.handle, inviteCode: code }, { token }))
    assert.equal(made.did, did)
    this.new = made.accessJwt
  }

  async importRepo() {
    const { bytes } = await bytesOf(this.from, `${Y}getRepo`, { did: this.who.did }, this.old)
    fine(await procedure(this.to, `${R}importRepo`, bytes, { token: this.new, headers: { 'content-type': CAR } }))
  }

  /** What was written at the old server since: from the revision that the new one has. */
  async catchUp() {
    const since = (await this.status()).new.repoRev
    const { bytes } = await bytesOf(this.from, `${Y}getRepo`, { did: this.who.did, since }, this.old)
    fine(await procedure(this.to, `${R}importRepo`, bytes, { token: this.new, headers: { 'content-type': CAR } }))
    return bytes.length
  }

  async moveBlobs(most = Infinity) {
    const missing = await pages(this.to, `${R}listMissingBlobs`, { limit: 3 }, 'blobs', { token: this.new })
    for (const { cid } of missing.slice(0, most)) {
      const { bytes, type } = await bytesOf(this.from, `${Y}getBlob`, { did: this.who.did, cid }, this.old)
      const { blob } = fine(await procedure(this.to, `${R}uploadBlob`, bytes, { token: this.new, headers: { 'content-type': type } }))
      assert.equal(blob.ref.$link, cid)
    }
  }

  async movePreferences() {
    const { preferences } = fine(await query(this.from, `${B}getPreferences`, { token: this.old }))
    fine(await procedure(this.to, `${B}putPreferences`, { preferences }, { token: this.new }))
  }

  async changeIdentity() {
    const credentials = fine(await query(this.to, `${I}getRecommendedDidCredentials`, { token: this.new }))
    await this.announce(credentials, this)
  }

  async activate() {
    fine(await procedure(this.to, `${S}activateAccount`, undefined, { token: this.new }))
  }

  async closeOld() {
    fine(await procedure(this.from, `${S}deactivateAccount`, {}, { token: this.old }))
  }
}

/** Changes a did:plc that the old server holds: it signs, by a code that it mails, and the new one submits. */
export const throughOldServer = (plc, smtp) => async (credentials, move) => {
  const { who, from, to } = move
  const { services } = await plc.client.getDocumentData(who.did)
  if (services.atproto_pds.endpoint === credentials.services.atproto_pds.endpoint) return
  const now = smtp.to(who.email).length
  fine(await procedure(from, `${I}requestPlcOperationSignature`, undefined, { token: move.old }))
  const token = await smtp.token(who.email, now + 1)
  const { operation } = fine(await procedure(from, `${I}signPlcOperation`, { token, ...credentials }, { token: move.old }))
  fine(await procedure(to, `${I}submitPlcOperation`, { operation }, { token: move.new }))
}
