// Those who follow the network, as others have written them: they read the stream through thousands of
// commits, restarts and a kill, believe every commit, and end with what the repositories hold.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { ComAtprotoSyncSubscribeRepos } from '@atcute/atproto'
import { fromUint8Array as readBlocks } from '@atcute/car'
import { FirehoseSubscription } from '@atcute/firehose'
import { fromStream, fromUint8Array, verifyRecord } from '@atcute/repo'
import { IdResolver } from '@atproto/identity'
import { Firehose, MemoryRunner } from '@atproto/sync'
import { Firehose as Skyware } from '@skyware/firehose'
import WebSocket from 'ws'
import { fine, procedure } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { Mirror, record } from './lib/mirror.mjs'
import { sleep, until } from './lib/net.mjs'
import { signUp } from './lib/people.mjs'
import { below, seeded } from './lib/workload.mjs'

const COMMITS = 2048
const PHASES = 4 // after each the server is started anew
const WRITERS_OF_EACH = 2
const NOTE = 'org.example.note'
const KIND = 'com.atproto.repo.applyWrites#'
// All of them run in this one process, beside those who write: they may be some seconds behind.
const { pds, plc } = await house({ mail: false, env: { PDS_MAX_SUBSCRIPTION_BUFFER: '20000' } })
const service = `ws://localhost:${pds.port}`
const key = async (did) => (await plc.client.getDocumentData(did)).verificationMethods.atproto

/** What a consumer holds: DID → path → CID. */
class Held {
  repos = new Map()
  errors = []
  set(did, path, cid) {
    if (!this.repos.has(did)) this.repos.set(did, new Map())
    if (cid) this.repos.get(did).set(path, String(cid))
    else this.repos.get(did).delete(path)
  }
}

/** @atproto/sync: verifies the signature and the proof of every operation; connects again by itself. */
function atprotoSync() {
  const held = new Held()
  const runner = new MemoryRunner({ startCursor: 0 })
  const firehose = new Firehose({
    service,
    runner,
    idResolver: new IdResolver({ plcUrl: plc.url, fetch }), // its own fetch refuses loopback
    unauthenticatedHandles: true, // names below .test are known to no DNS
    subscriptionReconnectDelay: 50,
    maxReconnectSeconds: 1,
    handleEvent: (event) => {
      if (!['create', 'update', 'delete'].includes(event.event)) return
      held.set(event.did, `${event.collection}/${event.rkey}`, event.event === 'delete' ? null : event.cid)
    },
    onError: (error) => {
      if (error.name !== 'DisconnectError' && !/ECONNREFUSED/.test(String(error.cause))) held.errors.push(error)
    },
  })
  firehose.start()
  return { held, cursor: () => runner.getCursor(), close: () => firehose.destroy() }
}

/** @atcute/firehose: checks every message against its own lexicons; connects again by itself. */
function atcuteFirehose() {
  const held = new Held()
  let cursor = 0
  const subscription = new FirehoseSubscription({
    service,
    nsid: ComAtprotoSyncSubscribeRepos.mainSchema,
    params: () => ({ cursor }),
    onError: (error) => held.errors.push(error),
    ws: { WebSocket, minReconnectionDelay: 20, maxReconnectionDelay: 200 },
  })
  const iterator = subscription[Symbol.asyncIterator]()
  const follow = async () => {
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      const message = next.value
      if (message.seq <= cursor) held.errors.push(new Error(`number ${message.seq} after ${cursor}`))
      cursor = message.seq
      if (message.$type !== 'com.atproto.sync.subscribeRepos#commit') continue
      const blocks = [...readBlocks(message.blocks.buf ?? message.blocks)]
      if (blocks.length === 0) held.errors.push(new Error(`no blocks in ${message.rev}`))
      for (const op of message.ops) held.set(message.repo, op.path, op.cid?.$link ?? null)
    }
  }
  follow().catch((error) => held.errors.push(error))
  return { held, cursor: () => cursor, close: () => iterator.return() }
}

/** @skyware/firehose: its user connects again, from its cursor. */
function skyware() {
  const held = new Held()
  let client
  let closed = false
  const open = (cursor) => {
    client = new Skyware({ relay: service, ws: WebSocket, cursor, autoReconnect: false })
    client.on('commit', (event) => {
      for (const op of event.ops) held.set(event.repo, op.path, op.action === 'delete' ? null : op.cid)
    })
    client.on('error', ({ error }) => held.errors.push(error))
    client.on('websocketError', () => {})
    client.on('close', async (last) => {
      if (closed) return
      await sleep(100)
      open(last)
    })
    client.start()
  }
  open('0')
  return { held, cursor: () => Number(client.cursor), close: () => ((closed = true), client.close()) }
}

/** Ours: signature, tree, and every commit undone to the one before (lib/mirror.mjs). */
function strict() {
  const mirror = new Mirror(memoized(key))
  const errors = []
  let closed = false
  const follow = async () => {
    while (!closed) {
      const stream = record(pds, mirror.last)
      let gone = false
      stream.end.then(() => (gone = true))
      for (let at = 0; !closed && !(gone && at === stream.frames.length); ) {
        if (at < stream.frames.length) await mirror.take(stream.frames[at++])
        else await sleep(10)
      }
      stream.close()
      await sleep(20)
    }
  }
  follow().catch((error) => errors.push(error))
  return { mirror, held: { errors }, cursor: () => mirror.last, close: () => (closed = true) }
}

function memoized(ask) {
  const known = new Map()
  return (did) => known.get(did) ?? known.set(did, ask(did)).get(did)
}

const people = []
for (let i = 0; i < 4; i++) people.push(await signUp(pds))
const ours = strict()
const others = { '@atproto/sync': atprotoSync(), '@atcute/firehose': atcuteFirehose(), '@skyware/firehose': skyware() }
const all = { ...others, 'the strict one': ours }
after(() => Promise.all(Object.values(all).map((one) => one.close())))

/** One commit of somebody: a record, or a few changes of what is there. */
async function write(who, own) {
  const note = () => ({ $type: NOTE, text: 'x'.repeat(1 + below(300)), at: new Date().toISOString() })
  const post = (method, body) =>
    procedure(pds, `com.atproto.repo.${method}`, { repo: who.did, validate: false, ...body }, { token: who.accessJwt })
  if (own.length < 5 || below(3) < 2) {
    const { uri } = fine(await post('createRecord', { collection: NOTE, record: note() }))
    return own.push(uri.split('/').at(-1))
  }
  const [changed, gone] = [0, 0].map(() => own.splice(below(own.length), 1)[0])
  const writes = [
    { $type: `${KIND}update`, collection: NOTE, rkey: changed, value: note() },
    { $type: `${KIND}delete`, collection: NOTE, rkey: gone },
    { $type: `${KIND}create`, collection: NOTE, value: note() },
  ]
  const { results } = fine(await post('applyWrites', { writes: writes.slice(0, 2 + below(2)) }))
  own.push(changed, ...results.slice(2).map((one) => one.uri.split('/').at(-1)))
}

for (let phase = 1; phase <= PHASES; phase++) {
  test(`they follow through ${COMMITS / PHASES} commits, and a restart, ${phase}`, () =>
    seeded(async () => {
      await Promise.all(
        people.flatMap((who) =>
          Array.from({ length: WRITERS_OF_EACH }, async () => {
            const own = []
            for (let i = 0; i < COMMITS / PHASES / WRITERS_OF_EACH / people.length; i++) await write(who, own)
          }),
        ),
      )
      // In the middle of what they have still to read, but not with all of it before them.
      const near = () => ours.mirror.events.at(-100)?.seq ?? 0
      for (const [name, one] of Object.entries(all)) await until(name, () => one.held.errors.length || one.cursor() >= near(), 60_000)
      if (phase === 2) await pds.kill9()
      await pds.restart()
    }),
  )
}

test('all of them have everything', async () => {
  const last = await signUp(pds)
  for (const [name, one] of Object.entries(all)) {
    await until(`${name} to come to the end (is at ${one.cursor()})`, () => one.held.errors.length || one.cursor() >= ours.mirror.last, 60_000)
    assert.deepEqual(one.held.errors.slice(0, 3).map((error) => `${error}: ${error.cause ?? ''}`), [], name)
  }
  await until('the last sign-up', () => ours.mirror.repos.has(last.did) && ours.mirror.events.at(-1).t === '#sync')
  const commits = ours.mirror.events.filter((event) => event.t === '#commit' && event.body.ops.length).length
  assert.equal(commits, COMMITS)
  for (const { did } of people) await ours.mirror.compare(pds, did)
  for (const [name, { held, cursor }] of Object.entries(others)) {
    await until(`${name} to come to the end`, () => cursor() >= ours.mirror.last, 30_000)
    for (const { did } of people) assert.deepEqual(held.repos.get(did), ours.mirror.repos.get(did).records, `${name}: ${did}`)
  }
})

test('@atcute/repo reads the exports, whole and as a stream, and believes a proof', async () => {
  for (const { did } of people) {
    const export_ = () => fetch(`${pds.url}/xrpc/com.atproto.sync.getRepo?did=${did}`)
    const expected = ours.mirror.repos.get(did).records
    const bytes = new Uint8Array(await (await export_()).arrayBuffer())
    const repo = fromUint8Array(bytes)
    const entries = [...repo].map((one) => [`${one.collection}/${one.rkey}`, one.cid.$link])
    assert.deepEqual(new Map(entries), expected)
    const streamed = fromStream((await export_()).body)
    const found = new Map()
    for await (const one of streamed) found.set(`${one.collection}/${one.rkey}`, one.cid.$link)
    assert.deepEqual(streamed.missingBlocks, [])
    await streamed.dispose()
    assert.deepEqual(found, expected)
    const [path, cid] = [...expected][0]
    const [collection, rkey] = path.split('/')
    const proof = await fetch(`${pds.url}/xrpc/com.atproto.sync.getRecord?${new URLSearchParams({ did, collection, rkey })}`)
    const proved = await verifyRecord({ did, collection, rkey, carBytes: new Uint8Array(await proof.arrayBuffer()) })
    assert.equal(proved.cid, cid)
  }
})
