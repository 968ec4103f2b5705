// The Bluesky AppView indexes roost's stream and answers app.bsky through roost; a second one, built anew from the
// whole stream, and a third from the exported repositories, end with the same rows.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import zlib from 'node:zlib'
import { AtpAgent } from '@atproto/api'
import { asAdmin, basic, fine, query } from './lib/ask.mjs'
import { planAppView, planOzone, startAppView, startOzone } from './lib/appview.mjs'
import { until } from './lib/net.mjs'
import { startPlc } from './lib/plc.mjs'
import { rnd, signUp } from './lib/people.mjs'
import { startPostgres } from './lib/postgres.mjs'
import { startServer } from './lib/server.mjs'

/** A picture of one colour that decoders take: a PNG of 20 × 20. */
function picture(...colour) {
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data])
    const [size, crc] = [Buffer.alloc(4), Buffer.alloc(4)]
    size.writeUInt32BE(data.length)
    crc.writeUInt32BE(zlib.crc32(body))
    return Buffer.concat([size, body, crc])
  }
  const rows = Buffer.concat(Array.from({ length: 20 }, () => Buffer.from([0, ...Array.from({ length: 20 }, () => colour).flat()])))
  const head = Buffer.from([0, 0, 0, 20, 0, 0, 0, 20, 8, 2, 0, 0, 0])
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', head), chunk('IDAT', zlib.deflateSync(rows)), chunk('IEND', Buffer.alloc(0))])
}

let pds
let appview
let ozone
const people = {}
const now = () => new Date().toISOString()
const ref = ({ uri, cid }) => ({ uri, cid })

async function world() {
  const plc = await startPlc({ named: true })
  after(() => plc.close())
  const [view, moderation] = [await planAppView(plc), await planOzone(plc)]
  pds = await startServer({
    plc,
    env: {
      PDS_BSKY_APP_VIEW_URL: view.url,
      PDS_BSKY_APP_VIEW_DID: view.did,
      PDS_MOD_SERVICE_URL: moderation.url,
      PDS_MOD_SERVICE_DID: moderation.did,
      PDS_REPORT_SERVICE_URL: moderation.url,
      PDS_REPORT_SERVICE_DID: moderation.did,
    },
  })
  after(() => pds.close())
  for (const name of ['ann', 'bob', 'cat', 'dan', 'eve', 'fay', 'moderator']) {
    const who = await signUp(pds, { handle: `${name}-${rnd()}.test` })
    const agent = new AtpAgent({ service: pds.url })
    await agent.login({ identifier: who.handle, password: who.password })
    people[name] = Object.assign(agent, { handle: who.handle, password: who.password })
  }
  const postgres = await startPostgres()
  after(() => postgres.close())
  appview = await startAppView(view, { plc, pds, postgres, moderator: moderation.did })
  after(() => appview.close())
  ozone = await startOzone(moderation, { plc, pds, postgres, appview: view, moderators: [people.moderator.did] })
  after(() => ozone.close())
  people.ozone = moderation.did
}

/** Waits until the AppView has taken in all that this server has told so far. */
async function told() {
  const { seq } = fine(await query(pds, 'com.atproto.sync.getHostStatus', { query: { hostname: 'localhost' } }))
  await appview.ask('reached', { seq })
  return seq
}
const texts = (feed) => feed.map((item) => item.post.record.text)
const refusedBy = (name) => (error) => error.error === name || assert.fail(`${error.error}: ${error.message}`)

await world()

test('posts, pictures, replies, likes, follows: on everybody’s pages', async () => {
  const { ann, bob, cat, dan, eve, fay } = people
  const avatar = (await ann.uploadBlob(picture(200, 0, 0), { encoding: 'image/png' })).data.blob
  await ann.upsertProfile(() => ({ displayName: 'Ann', description: 'makes pictures', avatar, createdAt: now() }))
  await bob.upsertProfile(() => ({ displayName: 'Bob', createdAt: now() }))
  await cat.follow(ann.did)
  await cat.follow(bob.did)
  await ann.follow(bob.did)
  const image = (await ann.uploadBlob(picture(0, 0, 200), { encoding: 'image/png' })).data.blob
  const first = await ann.post({ text: 'a blue square', embed: { $type: 'app.bsky.embed.images', images: [{ image, alt: 'blue', aspectRatio: { width: 1, height: 1 } }] }, createdAt: now() })
  people.first = first
  const reply = await bob.post({ text: 'how blue', reply: { root: ref(first), parent: ref(first) }, createdAt: now() })
  await ann.post({ text: 'very', reply: { root: ref(first), parent: ref(reply) }, createdAt: now() })
  await bob.like(first.uri, first.cid)
  await cat.like(first.uri, first.cid)
  await cat.repost(first.uri, first.cid)
  await bob.post({ text: 'quoting', embed: { $type: 'app.bsky.embed.record', record: ref(first) }, createdAt: now() })
  for (const one of [dan, eve, fay]) await one.post({ text: `here is ${one.handle}`, createdAt: now() })
  await told()

  const profile = (await cat.getProfile({ actor: ann.handle })).data
  assert.deepEqual([profile.did, profile.displayName, profile.followersCount, profile.followsCount, profile.postsCount], [ann.did, 'Ann', 1, 1, 2])
  assert.ok(profile.viewer.following.startsWith(`at://${cat.did}/`))
  const timeline = (await cat.getTimeline()).data.feed
  assert.deepEqual(new Set(texts(timeline)), new Set(['a blue square', 'how blue', 'very', 'quoting']))
  const thread = (await cat.getPostThread({ uri: first.uri })).data.thread
  assert.deepEqual([thread.post.likeCount, thread.post.repostCount, thread.post.replyCount, thread.post.quoteCount], [2, 1, 1, 1])
  assert.equal(thread.replies[0].post.record.text, 'how blue')
  assert.equal(thread.replies[0].replies[0].post.record.text, 'very')
  assert.deepEqual(texts((await bob.getAuthorFeed({ actor: ann.did, filter: 'posts_no_replies' })).data.feed), ['a blue square'])
  assert.deepEqual((await ann.getLikes({ uri: first.uri })).data.likes.map((one) => one.actor.did).sort(), [bob.did, cat.did].sort())
  assert.deepEqual((await ann.getFollowers({ actor: ann.did })).data.followers.map((one) => one.did), [cat.did])
  assert.deepEqual((await ann.getFollows({ actor: cat.did })).data.follows.map((one) => one.did).sort(), [ann.did, bob.did].sort())

  // The picture itself: the AppView fetches it from this server and makes it smaller.
  const shown = await fetch(thread.post.embed.images[0].thumb)
  assert.deepEqual([shown.status, shown.headers.get('content-type')], [200, 'image/webp'])
  assert.ok((await shown.arrayBuffer()).byteLength > 100)
})

test('notifications, and what was seen', async () => {
  const { ann, bob } = people
  const { notifications } = (await ann.listNotifications()).data
  assert.deepEqual(notifications.map((one) => one.reason).sort(), ['follow', 'like', 'like', 'quote', 'reply', 'repost'])
  assert.equal((await ann.countUnreadNotifications()).data.count, 6)
  await ann.updateSeenNotifications()
  await until('the AppView to know', async () => (await ann.countUnreadNotifications()).data.count === 0)
  assert.deepEqual((await bob.listNotifications()).data.notifications.map((one) => one.reason).sort(), ['follow', 'follow', 'reply'])
})

test('lists, blocks and mutes', async () => {
  const { ann, bob, cat, dan } = people
  const create = async (agent, collection, record) =>
    (await agent.com.atproto.repo.createRecord({ repo: agent.did, collection, record: { $type: collection, createdAt: now(), ...record } })).data
  const list = await create(bob, 'app.bsky.graph.list', { name: 'friends', purpose: 'app.bsky.graph.defs#curatelist' })
  for (const one of [ann, cat]) await create(bob, 'app.bsky.graph.listitem', { list: list.uri, subject: one.did })
  const block = await create(ann, 'app.bsky.graph.block', { subject: dan.did })
  await cat.app.bsky.graph.muteActor({ actor: bob.did })
  await told()
  const shown = (await cat.app.bsky.graph.getList({ list: list.uri })).data
  assert.deepEqual([shown.list.name, shown.list.listItemCount, shown.items.length], ['friends', 2, 2])
  assert.deepEqual(new Set(texts((await dan.app.bsky.feed.getListFeed({ list: list.uri })).data.feed)), new Set())
  assert.ok(texts((await bob.app.bsky.feed.getListFeed({ list: list.uri })).data.feed).includes('a blue square'))
  await assert.rejects(dan.getAuthorFeed({ actor: ann.did }), refusedBy('BlockedByActor'))
  assert.deepEqual((await ann.app.bsky.graph.getBlocks()).data.blocks.map((one) => one.did), [dan.did])
  await ann.com.atproto.repo.deleteRecord({ repo: ann.did, collection: 'app.bsky.graph.block', rkey: block.uri.split('/').at(-1) })
  await told()
  assert.ok((await dan.getAuthorFeed({ actor: ann.did })).data.feed.length > 0)
})

test('a new handle', async () => {
  const { ann, cat } = people
  const handle = `anna-${rnd()}.test`
  await ann.updateHandle({ handle })
  await told()
  assert.equal((await cat.getProfile({ actor: handle })).data.did, ann.did)
  assert.equal((await cat.getProfile({ actor: ann.did })).data.handle, handle)
  ann.handle = handle
})

test('a deactivated account is not shown, and comes back', async () => {
  const { cat, dan } = people
  await dan.com.atproto.server.deactivateAccount({})
  await told()
  await assert.rejects(cat.getProfile({ actor: dan.did }), refusedBy('AccountDeactivated'))
  await dan.com.atproto.server.activateAccount()
  await told()
  assert.equal((await cat.getProfile({ actor: dan.did })).data.handle, dan.handle)
  assert.equal((await cat.getAuthorFeed({ actor: dan.did })).data.feed.length, 1)
})

test('an account that is taken down is not shown, until it is let back', async () => {
  const { cat, eve } = people
  const takedown = (applied) =>
    asAdmin(pds, 'com.atproto.admin.updateSubjectStatus', { subject: { $type: 'com.atproto.admin.defs#repoRef', did: eve.did }, takedown: { applied } })
  fine(await takedown(true))
  await told()
  await assert.rejects(cat.getProfile({ actor: eve.did }), refusedBy('AccountTakedown'))
  fine(await takedown(false))
  await told()
  assert.equal((await cat.getProfile({ actor: eve.did })).data.did, eve.did)
})

test('what is deleted is gone: records, and an account', async () => {
  const { ann, bob, cat, fay } = people
  const gone = await bob.post({ text: 'a mistake', createdAt: now() })
  await told()
  assert.ok(texts((await cat.getAuthorFeed({ actor: bob.did })).data.feed).includes('a mistake'))
  await bob.deletePost(gone.uri)
  const like = (await bob.getPosts({ uris: [people.first.uri] })).data.posts[0].viewer.like
  await bob.deleteLike(like)
  fine(await asAdmin(pds, 'com.atproto.admin.deleteAccount', { did: fay.did }))
  await told()
  assert.ok(!texts((await cat.getAuthorFeed({ actor: bob.did })).data.feed).includes('a mistake'))
  assert.equal((await ann.getPosts({ uris: [people.first.uri] })).data.posts[0].likeCount, 1)
  await assert.rejects(cat.getProfile({ actor: fay.did }))
})

test('a report reaches the moderation service, and its takedown comes back', async () => {
  const { ann, cat, eve, moderator } = people
  const subject = { $type: 'com.atproto.admin.defs#repoRef', did: eve.did }
  const report = (await ann.createModerationReport({ reasonType: 'com.atproto.moderation.defs#reasonSpam', reason: 'look at this', subject })).data
  assert.deepEqual([report.reportedBy, report.subject.did], [ann.did, eve.did])
  const at = moderator.withProxy('atproto_labeler', people.ozone)
  const { subjectStatuses } = (await at.tools.ozone.moderation.queryStatuses({ subject: eve.did })).data
  assert.equal(subjectStatuses[0].reviewState, 'tools.ozone.moderation.defs#reviewOpen')
  const emit = (event) => at.tools.ozone.moderation.emitEvent({ event, subject, createdBy: moderator.did })
  const status = async () =>
    fine(await query(pds, 'com.atproto.admin.getSubjectStatus', { query: { did: eve.did }, headers: basic(pds.adminPassword) })).takedown

  await emit({ $type: 'tools.ozone.moderation.defs#modEventTakedown', comment: 'spam' })
  await until('the takedown to arrive', async () => (await status()).applied, 30_000)
  assert.ok((await status()).ref)
  await told()
  await assert.rejects(cat.getProfile({ actor: eve.did }), refusedBy('AccountTakedown'))
  await emit({ $type: 'tools.ozone.moderation.defs#modEventReverseTakedown', comment: 'it was not' })
  await until('its reversal to arrive', async () => !(await status()).applied, 30_000)
  await told()
  assert.equal((await cat.getProfile({ actor: eve.did })).data.did, eve.did)
})

test('an AppView that is built anew has the same rows', async () => {
  const seq = await told()
  const dids = fine(await query(pds, 'com.atproto.sync.listRepos', { query: { limit: 1000 } })).repos.map((one) => one.did)
  await appview.ask('replay', { schema: 'replay', seq })
  await appview.ask('checkout', { schema: 'checkout', dids })
  const rows = (schema, without) => appview.ask('rows', { schema, without })
  // Numbers are given in the order in which something came in.
  const live = await rows('live', ['id'])
  assert.deepEqual([live.post.length, live.like.length, live.actor.length], [6, 1, 6])
  assert.deepEqual(await rows('replay', ['id']), live)
  // An export says nothing of when, nor of those who are gone, of whom the AppView keeps some rows.
  const timeless = ['id', 'indexedAt', 'sortAt']
  const ofThoseHere = Object.entries(await rows('live', timeless)).map(([table, all]) => [table, all.filter((row) => !row.includes(people.fay.did))])
  assert.deepEqual(await rows('checkout', timeless), Object.fromEntries(ofThoseHere.filter(([, all]) => all.length > 0)))
})
