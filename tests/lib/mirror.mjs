// A consumer that believes nothing: it follows the event stream, verifies every commit, and holds what
// the repositories must contain by it.
import assert from 'node:assert/strict'
import { MemoryBlockstore, MST, cborToLexRecord, readCarWithRoot, verifyCommitSig, verifyRepoCar } from '@atproto/repo'
import { cborDecode } from '@atproto/lex-cbor'
import { Frame } from '@atproto/xrpc-server'
import { lexicons } from '@atproto/api'
import WebSocket from 'ws'
import { streamUrl } from './stream.mjs'

const NSID = 'com.atproto.sync.subscribeRepos'

async function undo(tree, op) {
  if (op.action === 'create') return tree.delete(op.path)
  return op.action === 'update' ? tree.update(op.path, op.prev) : tree.add(op.path, op.prev)
}

/** Frames of the stream, each once and in order, as they come. `end` resolves when the socket is gone. */
export function record(pds, cursor) {
  const frames = []
  const socket = new WebSocket(streamUrl(pds, { cursor }))
  socket.on('message', (data) => frames.push(data))
  socket.on('error', () => {})
  const end = new Promise((resolve) => socket.on('close', (code) => resolve(code)))
  return { frames, end, close: () => socket.close() }
}

export class Mirror {
  /** `keyOf(did)` gives the signing key of a repository. */
  constructor(keyOf) {
    this.keyOf = keyOf
    this.frames = [] // as they were stored, oldest first
    this.events = [] // {seq, t, body}
    this.repos = new Map() // did → {rev, data, commit, records: Map path → CID}
    this.bySeq = new Map() // seq → its place in frames
  }

  get last() {
    return this.events.at(-1)?.seq ?? 0
  }

  /** The next frame in order; verified, and applied. */
  async take(bytes) {
    const frame = Frame.fromBytes(bytes)
    assert.ok(frame.isMessage(), `an error frame: ${JSON.stringify(frame.body)}`)
    const { type, body } = frame
    lexicons.assertValidXrpcMessage(NSID, { $type: NSID + type, ...body })
    assert.ok(body.seq > this.last, `number ${body.seq} after ${this.last}`)
    if (type === '#commit') await this.#commit(body)
    else if (type === '#sync') await this.#sync(body)
    this.bySeq.set(body.seq, this.frames.length)
    this.frames.push(bytes)
    this.events.push({ seq: body.seq, t: type, body })
  }

  async #signed(blocks, root, did) {
    const commit = cborDecode(blocks.get(root))
    assert.equal(commit.did, did)
    assert.ok(await verifyCommitSig(commit, await this.keyOf(did)), `the signature of ${commit.rev}`)
    return commit
  }

  async #commit(event) {
    const where = `event ${event.seq}, commit ${event.rev} of ${event.repo}`
    const { root, blocks } = await readCarWithRoot(event.blocks)
    assert.equal(String(root), String(event.commit), where)
    const commit = await this.#signed(blocks, root, event.repo)
    assert.equal(commit.rev, event.rev, where)
    const before = this.repos.get(event.repo)
    assert.equal(event.since, before?.rev ?? null, `since: ${where}`)
    assert.equal(event.prevData ? String(event.prevData) : undefined, before?.data, `prevData: ${where}`)
    if (before) assert.ok(event.rev > before.rev, where)
    const records = before?.records ?? new Map()
    let tree = MST.load(new MemoryBlockstore(blocks), commit.data)
    for (const op of event.ops.toReversed()) tree = await undo(tree, op)
    if (before) assert.equal(String(await tree.getPointer()), before.data, `undone: ${where}`)
    for (const op of event.ops) {
      assert.equal(op.prev ? String(op.prev) : undefined, op.action === 'create' ? undefined : records.get(op.path), `${op.path}: ${where}`)
      if (op.action === 'create') assert.ok(!records.has(op.path), `${op.path} anew: ${where}`)
      if (op.action === 'delete') records.delete(op.path)
      else {
        cborToLexRecord(blocks.get(op.cid)) // its block is there
        records.set(op.path, String(op.cid))
      }
    }
    this.repos.set(event.repo, { rev: event.rev, data: String(commit.data), commit: String(root), records })
  }

  async #sync(event) {
    const { root, blocks } = await readCarWithRoot(event.blocks)
    const commit = await this.#signed(blocks, root, event.did)
    const repo = this.repos.get(event.did)
    assert.deepEqual([event.rev, commit.rev, String(commit.data), String(root)], [repo.rev, repo.rev, repo.data, repo.commit])
  }

  /**
   * Reads the whole stream from the first event until `isThere()`: what was known must come again, byte for
   * byte and with nothing between, and what is new follows it.
   */
  async replay(pds, isThere) {
    const stream = record(pds, 0)
    const known = this.frames.length
    try {
      for (let at = 0; at < known || !isThere(); at++) {
        for (let waits = 0; stream.frames.length <= at; waits++) {
          assert.ok(waits < 2000, `the stream stops after ${at} events, of which ${known} were known`)
          await new Promise((resolve) => setTimeout(resolve, 10))
        }
        if (at < known) assert.ok(stream.frames[at].equals(this.frames[at]), `event ${this.events[at].seq} has changed or is gone`)
        else await this.take(stream.frames[at])
      }
    } finally {
      stream.close()
    }
  }

  /** The repository as it is exported: verified, and what the stream says. */
  async compare(pds, did) {
    const answer = await fetch(`${pds.url}/xrpc/com.atproto.sync.getRepo?did=${did}`)
    assert.equal(answer.status, 200, `getRepo of ${did}`)
    const repo = await verifyRepoCar(new Uint8Array(await answer.arrayBuffer()), did, await this.keyOf(did))
    const mine = this.repos.get(did)
    assert.deepEqual({ rev: repo.commit.rev, cid: String(repo.commit.cid) }, { rev: mine.rev, cid: mine.commit })
    const all = new Map(repo.creates.map((one) => [`${one.collection}/${one.rkey}`, String(one.cid)]))
    assert.deepEqual(all, mine.records, `the contents of ${did}`)
  }
}
