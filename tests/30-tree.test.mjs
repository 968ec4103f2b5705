// Our tree against @atproto/repo's: the same histories give the same roots, its consumer believes our
// commits, their operations can be undone with nothing but the blocks of the event, and we believe its
// commits. The other half is mst_differential/, built beside roost; no server is started.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import crypto from 'node:crypto'
import path from 'node:path'
import readline from 'node:readline'
import { after, test } from 'node:test'
import { Secp256k1Keypair } from '@atproto/crypto'
import {
  MemoryBlockstore,
  MST,
  Repo,
  blocksToCarFile,
  cidForRecord,
  readCarWithRoot,
  verifyDiff,
  verifyProofs,
  verifyRepoCar,
} from '@atproto/repo'
import { random } from './lib/random.mjs'
import { command, foreign } from './lib/where.mjs'

const skip = foreign && 'roost only: compares its tree'
const program = path.join(path.dirname(command[0]), 'tests/mst_differential/mst_differential')
const ours = skip ? null : spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] })
const lines = ours && readline.createInterface({ input: ours.stdout })[Symbol.asyncIterator]()
after(() => ours?.stdin.end())

async function ask(request) {
  ours.stdin.write(JSON.stringify(request) + '\n')
  const { value, done } = await lines.next()
  assert.ok(!done, 'mst_differential has ended')
  return JSON.parse(value)
}

const bytes = (json) => new Uint8Array(Buffer.from(json.$bytes, 'base64'))
const split = (key) => ({ collection: key.split('/')[0], rkey: key.split('/')[1] })

function layer(key) {
  const hash = crypto.createHash('sha256').update(key).digest()
  const first = hash.findIndex((byte) => byte !== 0)
  return Math.floor((first * 8 + Math.clz32(hash[first]) - 24) / 2)
}

const numbered = (i) => `app.test.${i % 3 ? 'rec' : 'other'}/k${String(i).padStart(6, '0')}`
const ordinary = Array.from({ length: 600 }, (_, i) => numbered(i))
const mined = []
for (let i = 1000; mined.length < 30; i += 17) if (layer(numbered(i)) >= 3) mined.push(numbered(i))

// The CIDs of all records there were, by their text.
const known = new Map()

async function cidOf(record) {
  const cid = await cidForRecord(record)
  known.set(String(cid), cid)
  return cid
}

// Operations on distinct paths that are possible in this state, most of them near each other.
async function batch(below, state, keys, size) {
  const writes = []
  const start = below(keys.length)
  const paths = new Set()
  for (let i = 0; i < size; ++i) {
    const key = keys[(start + below(Math.min(keys.length, size * 3))) % keys.length]
    if (paths.has(key)) continue
    paths.add(key)
    if (state.has(key) && below(3) > 0) {
      writes.push({ action: 'delete', path: key })
      state.delete(key)
    } else {
      const record = { $type: key.split('/')[0], n: below(100000) }
      writes.push({ action: state.has(key) ? 'update' : 'create', path: key, record })
      state.set(key, String(await cidOf(record)))
    }
  }
  return writes
}

async function theirs(mst, write) {
  if (write.action === 'delete') {
    const less = await mst.delete(write.path)
    // A tree that loses its last key keeps the layer of it in memory, and would grow on a root without
    // keys. Loaded afresh it does not.
    return (await less.getEntries()).length === 0 ? MST.create(mst.storage) : less
  }
  const cid = await cidOf(write.record)
  return write.action === 'create' ? mst.add(write.path, cid) : mst.update(write.path, cid)
}

async function undo(mst, op) {
  if (op.action === 'create') return mst.delete(op.path)
  const prev = known.get(op.prev)
  return op.action === 'update' ? mst.update(op.path, prev) : mst.add(op.path, prev)
}

class History {
  state = new Map()
  mirror = null
  storage = new MemoryBlockstore()

  async begin() {
    this.mst = await MST.create(this.storage)
    await ask({ begin: true })
  }

  // A commit, judged by them as far as `depth` says.
  async step(writes, age, depth) {
    for (const write of writes) this.mst = await theirs(this.mst, write)
    const answer = await ask({ writes, age })
    assert.equal(answer.root, String(await this.mst.getPointer()))
    assert.deepEqual(
      answer.ops.map(({ action, path }) => ({ action, path })),
      writes.map(({ action, path }) => ({ action, path })),
    )
    if (depth === 'root') return
    const car = await readCarWithRoot(bytes(answer.car))

    // Undone with the blocks of the event alone.
    let undone = MST.load(new MemoryBlockstore(car.blocks), this.mst.pointer)
    for (const op of answer.ops.toReversed()) undone = await undo(undone, op)
    assert.equal(String(await undone.getPointer()), answer.prevData)

    // No block is missing that theirs would have sent.
    for (const { path } of writes)
      for (const cid of (await this.mst.getCoveringProof(path)).cids())
        assert.ok(car.blocks.has(cid), `the proof of ${path} lacks ${cid}`)

    const claims = answer.ops.map((op) => ({ ...split(op.path), cid: op.cid && known.get(op.cid) }))
    const proofs = await verifyProofs(bytes(answer.car), claims, answer.did, answer.key)
    assert.equal(proofs.unverified.length, 0)

    const diff = await verifyDiff(this.mirror, car.blocks, car.root, answer.did, answer.key)
    assert.deepEqual(
      diff.writes.map((w) => `${w.action} ${w.collection}/${w.rkey} ${w.cid ?? ''}`).sort(),
      answer.ops
        .filter((op) => op.cid !== op.prev)
        .map((op) => `${op.action} ${op.path} ${op.action === 'delete' ? op.prev : op.cid}`)
        .sort(),
    )
    await this.storage.putMany(car.blocks)
    this.mirror = await Repo.load(this.storage, car.root)
  }

  async expectExport() {
    const answer = await ask({ export: true })
    const repo = await verifyRepoCar(bytes(answer.car))
    const all = new Map(repo.creates.map((c) => [`${c.collection}/${c.rkey}`, String(c.cid)]))
    assert.deepEqual(all, new Map([...this.state].sort()))
  }
}

const ages = ['warm', 'warm', 'cold', 'forgetful']

test('short histories give the same roots', { skip }, async () => {
  for (let seed = 1; seed <= 600; ++seed) {
    const below = random(seed)
    const keys = seed % 2 ? ordinary.slice(0, 12).concat(mined.slice(0, 8)) : mined
    const history = new History()
    await history.begin()
    for (let i = 0; i < 4; ++i) {
      const writes = await batch(below, history.state, keys, 1 + below(4))
      await history.step(writes, ages[below(4)], 'root')
    }
  }
})

test('every commit is believed', { skip }, async () => {
  for (let seed = 1; seed <= 16; ++seed) {
    const below = random(10000 + seed)
    const keys = seed % 3 ? ordinary.slice(0, 150).concat(mined) : mined
    const history = new History()
    await history.begin()
    for (let i = 0; i < 8; ++i) {
      const writes = await batch(below, history.state, keys, 1 + below(i % 4 === 0 ? 30 : 3))
      await history.step(writes, ages[below(4)], 'everything')
    }
    await history.expectExport()
  }
})

test('large commits are believed', { skip }, async () => {
  const below = random(77)
  const history = new History()
  await history.begin()
  for (let i = 0; i < 4; ++i) {
    const writes = await batch(below, history.state, ordinary.concat(mined), 200)
    await history.step(writes, ages[below(4)], 'everything')
  }
  await history.expectExport()
})

test('we believe their commits', { skip }, async () => {
  const key = await Secp256k1Keypair.create({ exportable: true })
  const did = 'did:plc:csqcj33mgndnjg5fer2cmkff'
  for (let seed = 1; seed <= 10; ++seed) {
    const below = random(20000 + seed)
    const state = new Map()
    let repo = await Repo.create(new MemoryBlockstore(), did, key)
    for (let i = 0; i < 8; ++i) {
      const before = new Map(state)
      const writes = await batch(below, state, ordinary.slice(0, 100).concat(mined), 1 + below(10))
      const prevData = String(repo.commit.data)
      const commit = await repo.formatCommit(
        writes.map(({ action, path, record }) => ({ action, ...split(path), record })),
        key,
      )
      const ops = writes.map(({ action, path }) => ({
        action,
        path,
        cid: action === 'delete' ? null : state.get(path),
        prev: before.get(path) ?? null,
      }))
      const car = await blocksToCarFile(commit.cid, commit.relevantBlocks)
      const event = {
        repo: did,
        rev: commit.rev,
        commit: String(commit.cid),
        prevData,
        ops,
        blocks: { $bytes: Buffer.from(car).toString('base64').replace(/=+$/, '') },
        key: key.did(),
      }
      assert.equal((await ask({ verify: event })).error, null)
      assert.notEqual((await ask({ verify: { ...event, ops: ops.slice(1) } })).error, null)
      repo = await repo.applyCommit(commit)
    }
  }
})
