// Writers of all kinds, at once, who remember what they asked for and what was acknowledged; and whether
// a server kept its word after it was killed.
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { cidForLex } from '@atproto/lex-cbor'
import { jsonToLex } from '@atproto/lex-json'
import { fine, procedure } from './ask.mjs'
import { Mirror, record } from './mirror.mjs'
import { sleep, until } from './net.mjs'
import { signUp } from './people.mjs'
import { random } from './random.mjs'

const R = 'com.atproto.repo.'
const NOTE = 'org.example.note'
const KIND = `${R}applyWrites#`
const WRITERS_OF_EACH = 3

/** A seed for one run, or the one that JOURNEY_SEED says. It is shown with a failure. */
export const seed = Number(process.env.JOURNEY_SEED ?? crypto.randomInt(2 ** 31))
export const below = random(seed)

/** Runs it; what it throws tells the seed. */
export async function seeded(what) {
  try {
    return await what()
  } catch (error) {
    error.message += ` (JOURNEY_SEED=${seed})`
    throw error
  }
}

export class Workload {
  static async begin(pds, plc, { accounts = 3 } = {}) {
    const load = new Workload()
    load.pds = pds
    load.mirror = new Mirror(async (did) => {
      if (!load.keys.has(did)) load.keys.set(did, (await plc.client.getDocumentData(did)).verificationMethods.atproto)
      return load.keys.get(did)
    })
    load.people = []
    for (let i = 0; i < accounts; i++) load.people.push(await signUp(pds))
    return load
  }

  keys = new Map()
  requests = [] // {did, marks, answer: undefined, or what came back}
  byMark = new Map() // what an operation of a commit is known by → its request
  blobs = [] // {did, who, bytes, ref, isUsed}: acknowledged uploads
  running = false
  round = 0
  serial = 0
  refusals = 0

  /** How many writes of this round are acknowledged. */
  acknowledged = () => this.requests.slice(this.begun).filter((one) => one.answer?.status === 200).length

  /** Starts the writers, and a subscriber who goes on from what is known. */
  start() {
    this.running = true
    this.round++
    this.begun = this.requests.length
    this.live = record(this.pds, this.mirror.last)
    this.writers = this.people.flatMap((who, i) =>
      Array.from({ length: WRITERS_OF_EACH }, (_, j) => this.#write(who, `w${i}-${j}`)),
    )
  }

  /** Runs one round; if it fails, the writers go home, and the disk is repaired. */
  async run(what) {
    try {
      await seeded(what)
    } finally {
      this.running = false
      this.pds.disk?.set({})
    }
  }

  /** Waits until `count` writes of this round are acknowledged. */
  async working(count) {
    await until(`${count} acknowledged writes`, () => this.failed || this.acknowledged() >= count, 10_000)
    if (this.failed) throw this.failed
  }

  /** Waits until the writers have noticed that the server is gone, or that they are to stop. */
  async stop() {
    this.running = false
    await Promise.all(this.writers)
    this.live.close()
    await this.live.end
    if (this.failed) throw this.failed
  }

  async #write(who, name) {
    const kinds = ['createRecord', 'createRecord', 'create without a key', 'putRecord', 'deleteRecord', 'applyWrites', 'blob']
    while (this.running) {
      try {
        await this.#one(who, name, kinds[below(kinds.length)])
      } catch (error) {
        if (error instanceof assert.AssertionError) this.failed ??= error
        await sleep(5) // gone, or about to be
      }
    }
  }

  note = () => ({ $type: NOTE, text: `${this.serial++} ${crypto.randomBytes(below(300)).toString('hex')}` })

  /** The paths that this writer has made, as far as the stream and the acknowledged tell. */
  #own(did, name) {
    const records = this.mirror.repos.get(did)?.records ?? new Map()
    return (this.paths[`${did} ${name}`] ??= [...records.keys()].filter((one) => one.startsWith(`${NOTE}/${name}-`)))
  }
  paths = {}

  async #one(who, name, kind) {
    const own = this.#own(who.did, name)
    const fresh = () => `${name}-${this.round}-${this.serial++}`
    const some = () => own.splice(below(own.length), 1)[0].split('/')[1]
    if (kind === 'deleteRecord' && own.length === 0) kind = 'createRecord'
    if (kind === 'blob') return this.#blob(who)
    if (kind === 'applyWrites') {
      const writes = Array.from({ length: 1 + below(6) }, () => {
        const what = own.length === 0 ? 0 : below(3)
        if (what === 2) return { $type: `${KIND}delete`, collection: NOTE, rkey: some() }
        return { $type: KIND + (what ? 'update' : 'create'), collection: NOTE, rkey: what ? some() : fresh(), value: this.note() }
      })
      if (!(await this.send(who, kind, { writes, validate: false }, writes))) return
      return own.push(...writes.filter((one) => one.value).map((one) => `${NOTE}/${one.rkey}`))
    }
    const rkey = kind === 'deleteRecord' || (kind === 'putRecord' && own.length && below(3)) ? some() : fresh()
    const body = { collection: NOTE, rkey, ...(kind !== 'deleteRecord' && { record: this.note(), validate: false }) }
    if (kind === 'create without a key') {
      delete body.rkey
      return this.send(who, 'createRecord', body, [{ value: body.record }])
    }
    if (!(await this.send(who, kind, body, [{ rkey, value: body.record }]))) return
    if (body.record) own.push(`${NOTE}/${rkey}`)
  }

  /** Whether it was acknowledged. */
  async send(who, method, body, writes) {
    const marks = await Promise.all(
      writes.map(async ({ rkey, value }) =>
        value ? String(await cidForLex(jsonToLex(value))) : `delete ${who.did} ${NOTE}/${rkey}`,
      ),
    )
    const request = { did: who.did, method, marks, answer: undefined, event: undefined }
    this.requests.push(request)
    for (const mark of marks) this.byMark.set(mark, request)
    const answer = await procedure(this.pds, R + method, { repo: who.did, ...body }, { token: who.accessJwt })
    request.answer = answer
    if (answer.status !== 200) return this.#refused(answer)
    for (const mark of marks) if (answer.body.cid) assert.equal(answer.body.cid, mark)
    return true
  }

  #refused(answer) {
    this.refusals++
    assert.ok(this.mayRefuse?.(answer) ?? false, `${answer.status} ${answer.text}`)
    return false
  }

  async #blob(who) {
    const bytes = crypto.randomBytes(1 + below(20_000))
    const headers = { 'content-type': 'application/octet-stream' }
    const answer = await procedure(this.pds, `${R}uploadBlob`, bytes, { token: who.accessJwt, headers })
    if (answer.status !== 200) return this.#refused(answer)
    const blob = { who, bytes, ref: answer.body.blob, round: this.round, isUsed: false }
    this.blobs.push(blob)
    await this.#use(blob)
  }

  async #use(blob) {
    const record = { ...this.note(), file: blob.ref }
    blob.isUsed = await this.send(blob.who, 'createRecord', { collection: NOTE, record, validate: false }, [{ value: record }])
  }

  /** After a restart: the server has kept its word. Gives what was looked at, in words. */
  async check() {
    const { pds, mirror } = this
    const before = mirror.events.length
    this.paths = {}
    // What was uploaded and not yet referred to can be. A last write tells where the stream ends.
    for (const blob of this.blobs) if (blob.round === this.round && !blob.isUsed) await this.#use(blob)
    const [who] = this.people
    const record = this.note()
    assert.ok(await this.send(who, 'createRecord', { collection: NOTE, record, validate: false }, [{ value: record }]))
    const { rev } = this.requests.at(-1).answer.body.commit
    const isLast = (event) => event?.body.repo === who.did && event.body.rev === rev
    await mirror.replay(pds, () => isLast(mirror.events.at(-1)))

    // What a subscriber saw is what is stored, all of it and in order.
    for (const [i, bytes] of this.live.frames.entries())
      assert.ok(mirror.frames[before + i]?.equals(bytes), `the subscriber's event ${i} of ${this.live.frames.length} is not stored`)

    const dids = new Set(this.people.map((one) => one.did))
    for (const event of mirror.events.slice(before))
      if (event.t === '#commit' && event.body.ops.length && dids.has(event.body.repo)) this.#claim(event)
    for (const request of this.requests.slice(this.begun)) {
      if (request.answer?.status === 200) {
        assert.ok(request.event, `an acknowledged ${request.method} is gone: ${request.answer.text}`)
        const { commit, rev } = request.event.body
        assert.deepEqual(request.answer.body.commit, { cid: String(commit), rev })
      } else if (request.answer) assert.equal(request.event, undefined, `refused and yet done: ${request.answer.text}`)
    }
    await Promise.all(this.people.map((one) => mirror.compare(pds, one.did)))
    const old = this.blobs.filter((one) => one.round < this.round)
    const seen = [...this.blobs.filter((one) => one.round === this.round), ...(old.length ? [old[below(old.length)]] : [])]
    for (const blob of seen) await this.#same(blob)
    const asked = this.requests.slice(this.begun)
    const unanswered = asked.filter((one) => !one.answer)
    const kept = unanswered.filter((one) => one.event).length
    return `${this.acknowledged()} acknowledged, ${unanswered.length} unanswered of which ${kept} are there, ${this.live.frames.length} events seen live of ${mirror.events.length - before}, ${seen.length} blobs`
  }

  /** A commit does what one request asked for, all of it, and once. */
  #claim(event) {
    const { repo, ops } = event.body
    const marks = ops.map((op) => (op.action === 'delete' ? `delete ${repo} ${op.path}` : String(op.cid)))
    const request = this.byMark.get(marks[0])
    assert.ok(request, `nobody asked for ${JSON.stringify(ops)}`)
    assert.deepEqual(marks.sort(), request.marks.toSorted(), `half a ${request.method}`)
    assert.equal(request.event, undefined, `twice: ${request.method} ${request.answer?.text}`)
    request.event = event
  }

  async #same({ who, ref, bytes }) {
    const { $link } = ref.ref
    const answer = await fetch(`${this.pds.url}/xrpc/com.atproto.sync.getBlob?did=${who.did}&cid=${$link}`)
    assert.equal(answer.status, 200, `getBlob ${$link}`)
    assert.ok(bytes.equals(Buffer.from(await answer.arrayBuffer())), `the bytes of ${$link}`)
  }
}
