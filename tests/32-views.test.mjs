// What an account has written shows at once, also where its AppView has not seen it yet, or is not there; and what
// applications keep at the account's server.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import { verifyJwt } from '@atproto/xrpc-server'
import { fine, procedure, query, refused } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { logIn, rnd, signUp } from './lib/people.mjs'
import { says, startUpstream } from './lib/upstream.mjs'
import { roostOnly } from './lib/where.mjs'

const DID = 'did:web:appview.example'
const upstream = await startUpstream({ did: DID })
after(() => upstream.close())
const env = {
  PDS_BSKY_APP_VIEW_URL: upstream.url,
  PDS_BSKY_APP_VIEW_DID: DID,
  PDS_BSKY_APP_VIEW_CDN_URL_PATTERN: 'https://cdn.example/%s/%s/%s@jpeg',
}
const { pds, plc, another } = await house({ env, mail: false })
const keyOf = async (did) => (await plc.client.getDocumentData(did)).verificationMethods.atproto
const tokenOf = (call) => call.headers.authorization.replace(/^Bearer /, '')

const POST = 'app.bsky.feed.post'
const write = async (who, collection, record, rkey) =>
  fine(
    await procedure(
      pds,
      `com.atproto.repo.${rkey ? 'put' : 'create'}Record`,
      { repo: who.did, collection, rkey, record: { $type: collection, createdAt: new Date().toISOString(), ...record } },
      { token: who.accessJwt },
    ),
  )
const post = (who, text, more = {}) => write(who, POST, { text, ...more })
const setProfile = (who, record) => write(who, 'app.bsky.actor.profile', record, 'self')
const revOf = async (who) => fine(await query(pds, 'com.atproto.sync.getLatestCommit', { query: { did: who.did } })).rev
const ask = (who, method, ask) => query(pds, `app.bsky.${method}`, { token: who.accessJwt, query: ask })
const other = { did: 'did:plc:ar7c4by46qjdydhdevvrndac', handle: 'other.example' }
const viewOf = (author, text, more = {}) => ({
  uri: `at://${author.did}/${POST}/3jzfcijpj2z2a`,
  cid: 'bafyreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq',
  author: { did: author.did, handle: author.handle, displayName: 'before' },
  record: { $type: POST, text, createdAt: '2020-01-01T00:00:00.000Z' },
  indexedAt: '2020-01-01T00:00:00.000Z',
  likeCount: 3,
  ...more,
})

/** Someone with an old profile and post, and the revision up to which the AppView knows them. */
async function writer() {
  const who = await signUp(pds)
  await setProfile(who, { displayName: 'before' })
  const old = await post(who, 'old')
  return { ...who, old, seen: await revOf(who) }
}
const seenBy = (who, body, status) => says(body, { 'atproto-repo-rev': who.seen }, status)

test('one’s own profile', async () => {
  const who = await writer()
  upstream.answers['app.bsky.actor.getProfile'] = (call) => {
    const actor = new URL(call.url, 'http://x').searchParams.get('actor')
    return seenBy(who, { did: actor, handle: 'x.test', displayName: 'before', description: 'old', avatar: 'https://old.example', followersCount: 9 })
  }
  const unchanged = await ask(who, 'actor.getProfile', { actor: who.did })
  assert.equal(fine(unchanged).displayName, 'before')
  assert.equal(unchanged.headers.get('atproto-upstream-lag'), null)
  assert.equal(unchanged.headers.get('atproto-repo-rev'), who.seen)
  await setProfile(who, { displayName: 'after' })
  const patched = await ask(who, 'actor.getProfile', { actor: who.did })
  assert.deepEqual(fine(patched), { did: who.did, handle: 'x.test', displayName: 'after', followersCount: 9 })
  assert.ok(Number(patched.headers.get('atproto-upstream-lag')) < 60_000)
  await verifyJwt(tokenOf(upstream.last()), DID, 'app.bsky.actor.getProfile', keyOf)
  assert.equal(fine(await ask(who, 'actor.getProfile', { actor: other.did })).displayName, 'before')

  upstream.answers['app.bsky.actor.getProfiles'] = seenBy(who, {
    profiles: [who, other].map(({ did, handle }) => ({ did, handle, displayName: 'before' })),
  })
  const { profiles } = fine(await ask(who, 'actor.getProfiles', { actors: [who.did, other.did] }))
  assert.deepEqual(profiles.map((profile) => profile.displayName), ['after', 'before'])
})

test('new posts in the timeline, in their order', async () => {
  const who = await writer()
  const feed = [{ post: viewOf(other, 'theirs') }]
  upstream.answers['app.bsky.feed.getTimeline'] = seenBy(who, { feed, cursor: 'c' })
  assert.equal(fine(await ask(who, 'feed.getTimeline')).feed.length, 1)
  const [one, two] = [await post(who, 'one'), await post(who, 'two')]
  const { feed: patched, cursor } = fine(await ask(who, 'feed.getTimeline', { limit: 5 }))
  assert.equal(cursor, 'c')
  assert.deepEqual(patched.map((item) => item.post.uri), [two.uri, one.uri, feed[0].post.uri])
  const { author, record, indexedAt, ...rest } = patched[0].post
  assert.deepEqual(rest, { uri: two.uri, cid: two.cid, replyCount: 0, repostCount: 0, likeCount: 0, quoteCount: 0 })
  assert.deepEqual(author, { did: who.did, handle: who.handle, displayName: 'before' })
  assert.equal(record.text, 'two')
  assert.ok(Math.abs(new Date(indexedAt) - Date.now()) < 60_000)
  upstream.answers['app.bsky.feed.getTimeline'] = says({ feed }, { 'atproto-repo-rev': await revOf(who) })
  assert.equal(fine(await ask(who, 'feed.getTimeline')).feed.length, 1)
  upstream.answers['app.bsky.feed.getTimeline'] = says({ feed })
  assert.equal(fine(await ask(who, 'feed.getTimeline')).feed.length, 1)
})

test('what is embedded', async () => {
  const who = await writer()
  const agent = new AtpAgent({ service: pds.url })
  await agent.login({ identifier: who.handle, password: who.password })
  const { data } = await agent.uploadBlob(Buffer.from('89504e470d0a1a0a', 'hex'), { encoding: 'image/png' })
  const cid = data.blob.ref.toString()
  await post(who, 'images', { embed: { $type: 'app.bsky.embed.images', images: [{ image: JSON.parse(JSON.stringify(data.blob)), alt: 'a', aspectRatio: { width: 1, height: 2 } }] } })
  await post(who, 'link', { embed: { $type: 'app.bsky.embed.external', external: { uri: 'https://a.example', title: 't', description: 'd' } } })
  const quoted = { uri: viewOf(other, '').uri, cid: viewOf(other, '').cid }
  await post(who, 'quote', { embed: { $type: 'app.bsky.embed.record', record: quoted } })
  upstream.answers['app.bsky.feed.getTimeline'] = seenBy(who, { feed: [] })
  upstream.answers['app.bsky.feed.getPosts'] = says({ posts: [viewOf(other, 'quoted')] })
  const { feed } = fine(await ask(who, 'feed.getTimeline'))
  const [quote, link, images] = feed.map((item) => item.post.embed)
  assert.deepEqual(images, {
    $type: 'app.bsky.embed.images#view',
    images: [
      {
        thumb: `https://cdn.example/feed_thumbnail/${who.did}/${cid}@jpeg`,
        fullsize: `https://cdn.example/feed_fullsize/${who.did}/${cid}@jpeg`,
        alt: 'a',
        aspectRatio: { width: 1, height: 2 },
      },
    ],
  })
  assert.deepEqual(link, { $type: 'app.bsky.embed.external#view', external: { uri: 'https://a.example', title: 't', description: 'd' } })
  assert.equal(quote.record.$type, 'app.bsky.embed.record#viewRecord')
  assert.equal(quote.record.value.text, 'quoted')
  const call = upstream.last('app.bsky.feed.getPosts')
  assert.equal(new URL(call.url, 'http://x').searchParams.get('uris'), quoted.uri)
  await verifyJwt(tokenOf(call), DID, 'app.bsky.feed.getPosts', keyOf)
  upstream.answers['app.bsky.feed.getPosts'] = says({ posts: [] })
  const again = fine(await ask(who, 'feed.getTimeline')).feed[0].post.embed
  assert.deepEqual(again.record, { $type: 'app.bsky.embed.record#viewNotFound', uri: quoted.uri, notFound: true })
})

test('one’s own feed, and likes', async () => {
  const who = await writer()
  await setProfile(who, { displayName: 'after' })
  const fresh = await post(who, 'fresh')
  const mine = { post: viewOf(who, 'mine') }
  upstream.answers['app.bsky.feed.getAuthorFeed'] = seenBy(who, { feed: [mine] })
  const { feed } = fine(await ask(who, 'feed.getAuthorFeed', { actor: who.did }))
  assert.deepEqual(feed.map((item) => [item.post.uri, item.post.author.displayName]), [[fresh.uri, 'after'], [mine.post.uri, 'after']])
  upstream.answers['app.bsky.feed.getAuthorFeed'] = seenBy(who, { feed: [{ post: viewOf(other, 'theirs') }] })
  assert.equal(fine(await ask(who, 'feed.getAuthorFeed', { actor: other.did })).feed.length, 1)
  upstream.answers['app.bsky.feed.getActorLikes'] = seenBy(who, { feed: [mine, { post: viewOf(other, 'theirs') }] })
  const likes = fine(await ask(who, 'feed.getActorLikes', { actor: who.did })).feed
  assert.deepEqual(likes.map((item) => item.post.author.displayName), ['after', 'before'])
})

test('threads: new replies, and a new post that the AppView does not find', async () => {
  const who = await writer()
  const theirs = viewOf(other, 'theirs')
  const ref = { uri: theirs.uri, cid: theirs.cid }
  const reply = await post(who, 'reply', { reply: { root: ref, parent: ref } })
  const below = await post(who, 'below', { reply: { root: ref, parent: { uri: reply.uri, cid: reply.cid } } })
  const thread = { $type: 'app.bsky.feed.defs#threadViewPost', post: theirs, replies: [] }
  upstream.answers['app.bsky.feed.getPostThread'] = (call) =>
    new URL(call.url, 'http://x').searchParams.get('uri') === theirs.uri
      ? seenBy(who, { thread })
      : seenBy(who, { error: 'NotFound', message: 'Post not found' }, 400)
  const patched = fine(await ask(who, 'feed.getPostThread', { uri: theirs.uri })).thread
  assert.deepEqual([patched.replies[0].post.uri, patched.replies[0].replies[0].post.uri], [reply.uri, below.uri])
  const found = await ask(who, 'feed.getPostThread', { uri: reply.uri })
  assert.equal(fine(found).thread.post.uri, reply.uri)
  assert.equal(found.body.thread.replies[0].post.uri, below.uri)
  assert.equal(found.body.thread.parent.post.uri, theirs.uri)
  assert.ok(found.headers.get('atproto-upstream-lag'))
  const byHandle = await ask(who, 'feed.getPostThread', { uri: reply.uri.replace(who.did, who.handle) })
  assert.equal(fine(byHandle).thread.post.uri, reply.uri)
  refused(await ask(who, 'feed.getPostThread', { uri: `at://${who.did}/${POST}/3jzfcijpj2z2a` }), 400, 'NotFound', 'Post not found')
  refused(await ask(who, 'feed.getPostThread', { uri: who.old.uri }), 400, 'NotFound')
})

test('a feed is asked for in the name of who makes it', async () => {
  const who = await writer()
  const feed = `at://${other.did}/app.bsky.feed.generator/thing`
  upstream.answers['com.atproto.repo.getRecord'] = says({ uri: feed, value: { did: 'did:web:maker.example' } })
  upstream.answers['app.bsky.feed.getFeed'] = says({ feed: [] })
  fine(await ask(who, 'feed.getFeed', { feed }))
  const call = upstream.last('app.bsky.feed.getFeed')
  await verifyJwt(tokenOf(call), 'did:web:maker.example', 'app.bsky.feed.getFeedSkeleton', keyOf)
  assert.equal(upstream.last('com.atproto.repo.getRecord').headers.authorization, undefined)
  upstream.answers['com.atproto.repo.getRecord'] = says({ uri: feed, value: {} })
  refused(await ask(who, 'feed.getFeed', { feed }), 400, 'UnknownFeed')
})

test('answers that are not as they should be are passed on', async () => {
  const who = await writer()
  await post(who, 'fresh')
  for (const body of ['{"feed":1}', '{"feed":[1,null,{"post":7},{}]}', '[]', 'no json', '{"a":1.5}']) {
    upstream.answers['app.bsky.feed.getTimeline'] = { headers: { 'content-type': 'application/json', 'atproto-repo-rev': who.seen }, body }
    const answer = await ask(who, 'feed.getTimeline')
    assert.equal(answer.status, 200, body)
    if (!body.startsWith('{"feed')) assert.equal(answer.text, body)
  }
  upstream.answers['app.bsky.feed.getTimeline'] = says({ feed: [] }, { 'atproto-repo-rev': 'nonsense' })
  assert.deepEqual(fine(await ask(who, 'feed.getTimeline')).feed, [])
})

test('without the AppView: one’s own profile, feed and threads', roostOnly('the reference fails'), async () => {
  const who = await writer()
  const reply = await post(who, 'reply', { reply: { root: { uri: who.old.uri, cid: who.old.cid }, parent: { uri: who.old.uri, cid: who.old.cid } } })
  const newest = await post(who, 'newest')
  const down = says({ error: 'Down', message: 'down' }, {}, 503)
  for (const method of ['actor.getProfile', 'feed.getAuthorFeed', 'feed.getPostThread', 'feed.getTimeline']) upstream.answers[`app.bsky.${method}`] = down
  const profile = fine(await ask(who, 'actor.getProfile', { actor: who.handle }))
  assert.deepEqual([profile.did, profile.displayName], [who.did, 'before'])
  const feed = async (more) => fine(await ask(who, 'feed.getAuthorFeed', { actor: who.did, ...more }))
  assert.deepEqual((await feed()).feed.map((item) => item.post.uri), [newest.uri, reply.uri, who.old.uri])
  assert.deepEqual((await feed({ filter: 'posts_no_replies' })).feed.map((item) => item.post.uri), [newest.uri, who.old.uri])
  const first = await feed({ limit: 2 })
  assert.deepEqual((await feed({ limit: 2, cursor: first.cursor })).feed.map((item) => item.post.uri), [who.old.uri])
  const { thread } = fine(await ask(who, 'feed.getPostThread', { uri: who.old.uri }))
  assert.deepEqual([thread.post.uri, thread.replies[0].post.uri], [who.old.uri, reply.uri])
  refused(await ask(who, 'feed.getTimeline'), 503, 'Down')
  refused(await ask(who, 'actor.getProfile', { actor: other.did }), 503, 'Down')
})

// ---- Preferences

test('preferences are kept here', async () => {
  const who = await signUp(pds)
  const agent = new AtpAgent({ service: pds.url })
  await agent.login({ identifier: who.handle, password: who.password })
  const before = upstream.calls.length
  await agent.setAdultContentEnabled(true)
  await agent.setPersonalDetails({ birthDate: '2000-02-29T00:00:00.000Z' })
  await agent.upsertMutedWords([{ value: 'spoiler', targets: ['content'], actorTarget: 'all' }])
  const prefs = await agent.getPreferences()
  assert.equal(prefs.moderationPrefs.adultContentEnabled, true)
  assert.equal(prefs.moderationPrefs.mutedWords[0].value, 'spoiler')
  assert.equal(prefs.birthDate.getUTCFullYear(), 2000)
  const get = async (token) => fine(await query(pds, 'app.bsky.actor.getPreferences', { token })).preferences
  const types = (list) => list.map((one) => one.$type.split('#')[1])
  assert.ok(types(await get(who.accessJwt)).includes('declaredAgePref'))

  const { password } = fine(await procedure(pds, 'com.atproto.server.createAppPassword', { name: rnd() }, { token: who.accessJwt }))
  const app = fine(await logIn(pds, who.handle, password))
  assert.ok(!types(await get(app.accessJwt)).includes('personalDetailsPref'))
  assert.ok(types(await get(app.accessJwt)).includes('declaredAgePref'))
  const put = (token, preferences) => procedure(pds, 'app.bsky.actor.putPreferences', { preferences }, { token })
  const birth = { $type: 'app.bsky.actor.defs#personalDetailsPref', birthDate: '1990-01-01T00:00:00.000Z' }
  refused(await put(app.accessJwt, [birth]), 400, 'InvalidRequest')
  assert.equal((await put(app.accessJwt, [])).status, 200)
  assert.deepEqual(types(await get(who.accessJwt)), ['personalDetailsPref', 'declaredAgePref'])
  refused(await put(who.accessJwt, [{ $type: 'com.example.pref' }]), 400, 'InvalidRequest')
  refused(await put(who.accessJwt, [{ enabled: true }]), 400, 'InvalidRequest')
  refused(await query(pds, 'app.bsky.actor.getPreferences'), 401, 'AuthMissing')
  assert.equal(upstream.calls.length, before)
})

test('another AppView keeps its own preferences', async () => {
  const who = await signUp(pds)
  const ours = { 'atproto-proxy': `${DID}#bsky_appview` }
  assert.deepEqual(fine(await query(pds, 'app.bsky.actor.getPreferences', { token: who.accessJwt, headers: ours })), { preferences: [] })
  const theirs = { 'atproto-proxy': 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa#bsky_appview' }
  refused(await query(pds, 'app.bsky.actor.getPreferences', { token: who.accessJwt, headers: theirs }), 400, 'InvalidRequest', 'could not resolve proxy did')
})

test('push notifications go to the AppView if it is theirs', async () => {
  const who = await signUp(pds)
  upstream.answers['app.bsky.notification.unregisterPush'] = { status: 200, headers: {}, body: '' }
  const device = { serviceDid: DID, token: 't', platform: 'web', appId: 'app' }
  assert.equal((await procedure(pds, 'app.bsky.notification.unregisterPush', device, { token: who.accessJwt })).status, 200)
  await verifyJwt(tokenOf(upstream.last()), DID, 'app.bsky.notification.unregisterPush', keyOf)
})

test('records of other servers come from the AppView', async () => {
  const there = await another({ mail: false, env: { PDS_BSKY_APP_VIEW_URL: undefined, PDS_BSKY_APP_VIEW_DID: undefined } })
  const ask = { repo: other.did, collection: POST, rkey: '3jzfcijpj2z2a' }
  upstream.answers['com.atproto.repo.getRecord'] = says({ uri: 'at://x', value: { text: 'theirs' } })
  assert.equal(fine(await query(pds, 'com.atproto.repo.getRecord', { query: ask })).value.text, 'theirs')
  assert.equal(upstream.last().headers.authorization, undefined)
  refused(await query(there, 'com.atproto.repo.getRecord', { query: ask }), 400, 'RecordNotFound')
})
