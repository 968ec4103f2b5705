// What is measured. To add an operation, add an entry to `operations`:
//
//   name, connections   --only takes the name
//   requests(world)     what the connections send in turn; plan.h tells what <<n>> and <<token>> are
//   groups(world)       instead of connections and requests: several kinds of connections at once
//   chain(world)        {field, first}: the text that a connection takes from each answer, see plan.h
//   seconds             how long a run is, if that must be fixed
//   expects             the statuses that are right (200)
//   shown               the label whose times are shown, if there are several
//   isMixed             its requests differ, so CPU per request would mean nothing
//   isSimple            the canned server can be asked the same
//   note(labels)        a line about what a table row cannot show
//   target              {what, of, atMost}: of(figures), of roost, is to be at most that
//
// `world` has the server's `accounts` ({did, handle, accessJwt}), `password`, `tag` (a word of this
// run, for new handles), and xrpc(method, body, token) that posts JSON or a Buffer and returns the answer.

import crypto from 'node:crypto'

const MB = 1_000_000
const xrpc = (method) => `/xrpc/com.atproto.${method}`
const bearer = (token) => (token ? { Authorization: `Bearer ${token}` } : {})

const get = (method, token, query) => ({
  method: 'GET',
  path: xrpc(method) + (query ? `?${new URLSearchParams(query)}` : ''),
  headers: bearer(token),
})
const post = (method, json, token) => ({
  method: 'POST',
  path: xrpc(method),
  headers: { ...bearer(token), ...(json && { 'Content-Type': 'application/json' }) },
  body: json ? JSON.stringify(json) : '',
})
const labelled = (label, requests) => requests.map((request) => ({ ...request, label }))

const POST = 'app.bsky.feed.post'
const record = (text) => ({ $type: POST, text, createdAt: '2026-11-22T12:00:00.000Z', langs: ['en'] })
const SENTENCE = 'Somebody wrote a sentence of the usual length here, and then one more word or two. '
const create = (rkey) => ({
  $type: 'com.atproto.repo.applyWrites#create',
  collection: POST,
  value: record(SENTENCE),
  ...(rkey && { rkey }),
})
/** Fifty records for each account, under keys that are known. */
async function withRecords(world) {
  if (world.rkeys) return world
  const letters = '234567abcdefghijklmnopqrstuvwxyz'
  world.rkeys = Array.from({ length: 50 }, (_, i) => `3jzfcijpj2z${letters[i >> 5]}${letters[i & 31]}`)
  for (const { did, accessJwt } of world.accounts)
    await world.xrpc('repo.applyWrites', { repo: did, writes: world.rkeys.map(create) }, accessJwt)
  return world
}
/** A blob of a megabyte, which a record refers to, for each of four accounts. */
async function withBlobs(world) {
  if (world.blobs) return world
  world.blobs = []
  for (const { did, accessJwt } of world.accounts.slice(0, 4)) {
    const bytes = crypto.randomBytes(MB)
    const { blob } = await world.xrpc('repo.uploadBlob', bytes, accessJwt)
    const file = { $type: 'test.roost.file', file: blob }
    await world.xrpc('repo.createRecord', { repo: did, collection: file.$type, record: file, validate: false }, accessJwt)
    world.blobs.push({ did, cid: blob.ref.$link })
  }
  return world
}
/** The DID of a repository with ten thousand records, and nothing else. */
async function withLargeRepo(world) {
  if (world.largeRepo) return world.largeRepo
  const handle = `${world.tag}large.test`
  const order = { handle, email: `${world.tag}large@example.com`, password: world.password }
  const { did, accessJwt } = await world.xrpc('server.createAccount', order)
  for (let i = 0; i < 50; i++)
    await world.xrpc('repo.applyWrites', { repo: did, writes: Array.from({ length: 200 }, () => create()) }, accessJwt)
  world.largeRepo = did
  return did
}
const perAccount = (world, request) => world.accounts.map(request)

/** A query that another server answers. */
const forwarded = (world, method) =>
  perAccount(world, ({ did, accessJwt }) => ({
    method: 'GET',
    path: `/xrpc/${method}?actor=${did}`,
    headers: bearer(accessJwt),
  }))
const getSessions = (world) => world.accounts.map((account) => get('server.getSession', account.accessJwt))
const logIns = (world, password) =>
  world.accounts.map((account) => post('server.createSession', { identifier: account.handle, password }))

const ms = (value) => (value === null ? '-' : `${value.toFixed(1)} ms`)
const cpuPerRequest = (figures) => (figures.server_cpu_s / figures.answers) * 1e6
const cpuBesideHash = (figures) =>
  ((figures.server_cpu_s - figures.low_priority_cpu_s) / figures.answers) * 1e6
const knownToUnknown = (labels) => {
  const [known, unknown] = [labels.known.p50_ms, labels.unknown.p50_ms]
  return Math.max(known / unknown, unknown / known)
}

export const operations = [
  {
    name: 'createRecord',
    connections: 32,
    requests: (world) =>
      perAccount(world, ({ did, accessJwt }) =>
        post('repo.createRecord', { repo: did, collection: POST, record: record(SENTENCE) }, accessJwt),
      ),
    target: { what: 'createRecord, CPU in µs', of: cpuPerRequest, atMost: 150 },
  },
  {
    name: 'getRecord',
    connections: 32,
    requests: async (world) =>
      perAccount(await withRecords(world), ({ did }, i) =>
        get('repo.getRecord', undefined, { repo: did, collection: POST, rkey: world.rkeys[i % 50] }),
      ),
    target: { what: 'getRecord, CPU in µs', of: cpuPerRequest, atMost: 20 },
  },
  {
    name: 'listRecords',
    connections: 32,
    requests: async (world) =>
      perAccount(await withRecords(world), ({ did }) =>
        get('repo.listRecords', undefined, { repo: did, collection: POST, limit: 50 }),
      ),
    target: { what: 'listRecords of 50, CPU in µs', of: cpuPerRequest, atMost: 100 },
  },
  {
    name: 'applyWrites',
    connections: 32,
    requests: (world) =>
      perAccount(world, ({ did, accessJwt }) =>
        post('repo.applyWrites', { repo: did, writes: Array.from({ length: 10 }, () => create()) }, accessJwt),
      ),
    target: { what: 'applyWrites of 10, CPU in µs', of: cpuPerRequest, atMost: 500 },
  },
  {
    name: 'uploadBlob',
    connections: 8,
    seconds: 1, // each leaves its megabyte on the disk
    requests: (world) =>
      perAccount(world, ({ accessJwt }) => ({
        method: 'POST',
        path: xrpc('repo.uploadBlob'),
        headers: { ...bearer(accessJwt), 'Content-Type': 'application/octet-stream' },
        body: '<<n>>',
        body_bytes: MB,
      })),
    target: { what: 'uploadBlob of 1 MB, CPU in µs', of: cpuPerRequest, atMost: 2_000 },
  },
  {
    name: 'getBlob',
    connections: 8,
    requests: async (world) => (await withBlobs(world)).blobs.map((query) => get('sync.getBlob', undefined, query)),
    target: { what: 'getBlob of 1 MB, CPU in µs', of: cpuPerRequest, atMost: 500 },
  },
  {
    name: 'getRepo',
    connections: 4,
    requests: async (world) => [get('sync.getRepo', undefined, { did: await withLargeRepo(world) })],
    target: { what: 'getRepo of 10,000 records, CPU in µs', of: cpuPerRequest, atMost: 5_000 },
  },
  {
    name: 'describeServer',
    connections: 32,
    requests: () => [get('server.describeServer')],
    isSimple: true,
    target: { what: 'describeServer, CPU in µs', of: cpuPerRequest, atMost: 10 },
  },
  {
    name: 'getSession',
    connections: 32,
    requests: getSessions,
    isSimple: true,
    target: { what: 'getSession, CPU in µs', of: cpuPerRequest, atMost: 15 },
  },
  { name: 'getSession', connections: 1, requests: getSessions, isSimple: true },
  {
    // To a server that answers all with the same; one token serves many.
    name: 'proxied',
    connections: 32,
    requests: (world) => forwarded(world, 'app.bsky.graph.getFollows'),
    target: { what: 'proxied read, CPU in µs', of: cpuPerRequest, atMost: 30 },
  },
  {
    // Each with a token of its own.
    name: 'proxiedFresh',
    connections: 32,
    requests: (world) =>
      perAccount(world, ({ did, accessJwt }) => ({
        method: 'POST',
        path: '/xrpc/app.bsky.graph.muteActor',
        headers: { ...bearer(accessJwt), 'Content-Type': 'application/json' },
        body: JSON.stringify({ actor: did }),
      })),
    target: { what: 'proxied write with a fresh token, CPU in µs', of: cpuPerRequest, atMost: 60 },
  },
  {
    name: 'refreshSession',
    connections: 32,
    requests: () => [post('server.refreshSession', undefined, '<<token>>')],
    chain: async (world) => ({ field: 'refreshJwt', first: await world.refreshTokens(32) }),
    target: { what: 'refreshSession, CPU in µs', of: cpuPerRequest, atMost: 120 },
  },
  {
    name: 'createSession',
    connections: 32,
    requests: (world) => logIns(world, world.password),
    target: { what: 'createSession, CPU in µs beside the hash', of: cpuBesideHash, atMost: 500 },
  },
  {
    name: 'createAccount',
    connections: 8,
    requests: (world) => [
      post('server.createAccount', {
        handle: `${world.tag}<<n>>.test`,
        email: `${world.tag}<<n>>@example.com`,
        password: world.password,
      }),
    ],
    target: { what: 'createAccount, CPU in µs beside the hash', of: cpuBesideHash, atMost: 2_000 },
  },
  {
    // A thousand calls wait for the moderation service.
    name: 'slowCalls',
    seconds: 6,
    groups: (world) => [
      { connections: 1_000, requests: labelled('slow', forwarded(world, 'tools.ozone.team.listMembers')) },
      { connections: 4, requests: labelled('others', getSessions(world)) },
    ],
    shown: 'others',
    isMixed: true,
    note: (labels) =>
      `${labels.slow.answers} slow calls, p50 ${ms(labels.slow.p50_ms)}; getSession beside them: ` +
      `p50 ${ms(labels.others.p50_ms)}, p99 ${ms(labels.others.p99_ms)}, max ${ms(labels.others.max_ms)}`,
    target: { what: 'slowCalls, p99 of the others in ms', of: (f) => f.labels.others.p99_ms, atMost: 20 },
  },
  {
    // Wrong passwords for every account in turn, so that none meets the limit on failures.
    name: 'loginFlood',
    seconds: 4,
    groups: (world) => [
      { connections: 32, requests: labelled('flood', logIns(world, 'not the password')) },
      { connections: 4, requests: labelled('others', getSessions(world)) },
    ],
    shown: 'others',
    expects: [200, 401, 503],
    isMixed: true,
    note: (labels) =>
      `${JSON.stringify(labels.flood.statuses)} for the flood; getSession beside it: ` +
      `p50 ${ms(labels.others.p50_ms)}, p99 ${ms(labels.others.p99_ms)}, max ${ms(labels.others.max_ms)}`,
    target: { what: 'loginFlood, p99 of the others in ms', of: (f) => f.labels.others.p99_ms, atMost: 100 },
  },
  {
    name: 'knownUnknown',
    seconds: 4,
    groups: (world) => [
      {
        connections: 1,
        requests: logIns(world, 'not the password').flatMap((known) => [
          { ...known, label: 'known' },
          {
            ...post('server.createSession', { identifier: `${world.tag}no<<n>>.test`, password: 'not the password' }),
            label: 'unknown',
          },
        ]),
      },
    ],
    expects: [401],
    note: (labels) =>
      `p50 known ${ms(labels.known.p50_ms)}, unknown ${ms(labels.unknown.p50_ms)}, ` +
      `ratio ${knownToUnknown(labels).toFixed(3)}`,
    target: { what: 'knownUnknown, p50 ratio', of: (f) => knownToUnknown(f.labels), atMost: 1.2 },
  },
]

/** The groups of one run (plan.h). */
export async function groupsOf(operation, world) {
  if (operation.groups) return operation.groups(world)
  return [
    {
      connections: operation.connections,
      requests: await operation.requests(world),
      ...(operation.chain && { chain: await operation.chain(world) }),
    },
  ]
}
