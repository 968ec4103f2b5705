// The Bluesky AppView, composed as its own development network does: bsync, a data plane on PostgreSQL that indexes
// the event stream of one PDS, and the server of app.bsky. Settings come as JSON in SETTINGS.
import { serve } from './listen.mjs'
import http from 'node:http'
import * as bsky from '@atproto/bsky'
import * as bsync from '@atproto/bsync'
import { Secp256k1Keypair } from '@atproto/crypto'
import * as repo from '@atproto/repo'
import { AtUri } from '@atproto/syntax'

const { plc, database, pds, did, url, key, ports, moderator } = JSON.parse(process.env.SETTINGS)
const API_KEY = 'between-bsync-and-appview'
// What is in no repository.
const TABLES_OF_ITS_OWN = ['kysely_migration', 'kysely_migration_lock', 'mute', 'actor_state']

/** The handles of the PDS are in no DNS: its well-known page is asked by Host. */
const resolveHandle = (handle) =>
  new Promise((resolve) => {
    const options = { host: '127.0.0.1', port: pds.port, path: '/.well-known/atproto-did', headers: { host: handle } }
    const request = http.get(options, (answer) => {
      let text = ''
      answer.on('data', (piece) => (text += piece)).on('end', () => resolve(answer.statusCode === 200 ? text.trim() : undefined))
    })
    request.on('error', () => resolve(undefined))
  })

/** An index in a schema of its own. */
async function makeIndex(schema, port) {
  const migrating = new bsky.Database({ url: database, schema })
  await migrating.migrateToLatestOrThrow()
  await migrating.close()
  const db = new bsky.Database({ url: database, schema, poolSize: 8 })
  const dataplane = await bsky.DataPlaneServer.create(db, port, plc, globalThis.fetch)
  dataplane.idResolver.handle.resolve = resolveHandle
  const feed = new bsky.RepoSubscription({ service: pds.url.replace('http', 'ws'), db, idResolver: dataplane.idResolver })
  return { db, dataplane, feed }
}

/** Follows the stream in its order: what an index makes of a reply depends on whether it knows the post. */
function follow({ feed }) {
  void feed.start()
  feed.current.runner.mainQueue.concurrency = 1
}

/** Waits until an index has taken in the event of that number, and all that follows from it. */
async function reached({ feed }, seq) {
  const end = performance.now() + 60_000
  while (!(feed.getCursor() >= seq)) {
    if (performance.now() > end) throw new Error(`the AppView is at ${feed.getCursor()}, not at ${seq}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await feed.processAll()
}

const bsyncConfig = bsync.envToCfg({ port: ports.bsync, dbUrl: database, dbSchema: 'bsync', dbPoolSize: 4, longPollTimeoutMs: 500, apiKeys: [API_KEY] })
const syncing = await bsync.BsyncService.create(bsyncConfig)
await syncing.ctx.db.migrateToLatestOrThrow()
await syncing.start()

const live = await makeIndex('live', ports.dataplane)
const config = new bsky.ServerConfig({
  version: 'journey',
  port: ports.appview,
  didPlcUrl: plc,
  publicUrl: url,
  serverDid: did,
  alternateAudienceDids: [],
  dataplaneUrls: [`http://localhost:${ports.dataplane}`],
  dataplaneHttpVersion: '1.1',
  bsyncUrl: `http://localhost:${ports.bsync}`,
  bsyncHttpVersion: '1.1',
  bsyncApiKey: API_KEY,
  modServiceDid: moderator,
  labelsFromIssuerDids: [],
  bigThreadUris: new Set(),
  maxThreadParents: 50,
  disableSsrfProtection: true,
  searchTagsHide: new Set(),
  searchTagsHideAll: new Set(),
  threadTagsBumpDown: new Set(),
  threadTagsHide: new Set(),
  visibilityTagHide: '',
  visibilityTagRankPrefix: '',
  debugFieldAllowedDids: new Set(),
  draftsLimit: 500,
  adminPasswords: ['admin'],
  etcdHosts: [],
})
const server = bsky.BskyAppView.create({ config, signingKey: await Secp256k1Keypair.import(key) })
server.ctx.idResolver.handle.resolve = resolveHandle
const mutes = new bsky.BsyncSubscription({ config, db: live.db })
syncing.ctx.dataplaneClients.push(server.ctx.dataplane) // its own speaks gRPC, the development data plane does not
await server.start()
mutes.start()
follow(live)

const indexes = { live }
const questions = {
  reached: ({ seq }) => reached(live, seq),
  /** A new index, from the first event of the stream to that number. */
  async replay({ schema, seq }) {
    indexes[schema] = await makeIndex(schema, ports.spare)
    follow(indexes[schema])
    await reached(indexes[schema], seq)
    await indexes[schema].feed.destroy()
    await indexes[schema].dataplane.destroy()
  },
  /** A new index, from the exported repositories: their records in the order in which they were written. */
  async checkout({ schema, dids }) {
    const { feed, dataplane } = (indexes[schema] = await makeIndex(schema, ports.spare))
    const now = new Date().toISOString()
    const all = []
    for (const one of dids) {
      await feed.indexingSvc.indexHandle(one, now, true)
      const { signingKey } = await dataplane.idResolver.did.resolveAtprotoData(one)
      const car = await fetch(`${pds.url}/xrpc/com.atproto.sync.getRepo?did=${one}`)
      const { root, blocks } = await repo.readCarWithRoot(new Uint8Array(await car.arrayBuffer()))
      const { creates, commit } = await repo.verifyRepo(blocks, root, one, signingKey)
      await feed.indexingSvc.setCommitLastSeen(one, commit.cid, commit.rev)
      for (const { collection, rkey, cid } of creates) {
        const { record } = await repo.getAndParseRecord(blocks, cid)
        all.push({ uri: AtUri.make(one, collection, rkey), cid, record })
      }
    }
    all.sort((a, b) => (a.record.createdAt < b.record.createdAt ? -1 : 1))
    for (const { uri, cid, record } of all) await feed.indexingSvc.indexRecord(uri, cid, record, repo.WriteOpAction.Create, now)
    await feed.background.processAll()
    await dataplane.destroy()
  },
  /** Table → rows, each a text, in order; without the columns named. */
  async rows({ schema, without }) {
    const { pool } = indexes[schema].db
    const all = {}
    const tables = await pool.query(`select table_name from information_schema.tables where table_schema = $1 and table_type = 'BASE TABLE' order by 1`, [schema])
    for (const { table_name: table } of tables.rows) {
      if (TABLES_OF_ITS_OWN.includes(table)) continue
      const { rows } = await pool.query(`select to_jsonb(t) - $1::text[] as row from "${schema}"."${table}" t`, [without])
      if (rows.length > 0) all[table] = rows.map(({ row }) => JSON.stringify(row, Object.keys(row).sort())).sort()
    }
    return all
  },
}
serve(questions)
