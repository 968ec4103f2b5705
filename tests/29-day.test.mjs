// A whole day of somebody with an app: @atproto/api's agent signs up, posts with a picture, follows, likes, takes
// another handle and leaves, while a relay looks on.
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { test } from 'node:test'
import { AtpAgent, RichText } from '@atproto/api'
import { house } from './lib/house.mjs'
import { person, rnd } from './lib/people.mjs'
import { subscribe } from './lib/stream.mjs'

const { pds, plc, smtp } = await house()

/** Someone with an app, which keeps its session as apps do. */
async function join() {
  const who = person()
  const sessions = []
  const agent = new AtpAgent({ service: pds.url, persistSession: (event, session) => sessions.push({ event, session }) })
  await agent.createAccount({ handle: who.handle, email: who.email, password: who.password })
  return { ...who, agent, sessions, did: agent.assertDid }
}

test('from sign-up to the end of the account', async () => {
  const stream = await subscribe(pds)
  const ann = await join()
  const bob = await join()
  const { agent } = ann

  // Breakfast: a profile, a picture, a post with both a mention and a link.
  const picture = Buffer.concat([Buffer.from('ffd8ffe000104a464946', 'hex'), crypto.randomBytes(20_000)])
  const { blob } = (await agent.uploadBlob(picture, { encoding: 'image/jpeg' })).data
  await agent.upsertProfile((old) => ({ ...old, displayName: 'Ann', avatar: blob }))
  const text = new RichText({ text: `Good morning @${bob.handle}, see https://example.com/` })
  await text.detectFacets(agent)
  assert.equal(text.facets.length, 2)
  const mention = text.facets.flatMap((facet) => facet.features).find((feature) => feature.did)
  assert.equal(mention.did, bob.did)
  const post = await agent.post({
    text: text.text,
    facets: text.facets,
    langs: ['en'],
    embed: { $type: 'app.bsky.embed.images', images: [{ image: blob, alt: 'breakfast' }] },
  })
  const seen = await agent.com.atproto.sync.getBlob({ did: ann.did, cid: blob.ref.toString() })
  assert.deepEqual(Buffer.from(seen.data), picture)

  // Bob answers.
  const follow = await bob.agent.follow(ann.did)
  const like = await bob.agent.like(post.uri, post.cid)
  const repost = await bob.agent.repost(post.uri, post.cid)
  const reply = await bob.agent.post({ text: 'Good morning!', reply: { root: post, parent: post } })
  const likes = await agent.com.atproto.repo.listRecords({ repo: bob.did, collection: 'app.bsky.feed.like' })
  assert.deepEqual(likes.data.records.map(({ uri, value }) => [uri, value.subject]), [[like.uri, { uri: post.uri, cid: post.cid }]])
  await bob.agent.deleteLike(like.uri)
  await bob.agent.deleteRepost(repost.uri)
  await bob.agent.deleteFollow(follow.uri)
  const left = (await agent.com.atproto.repo.describeRepo({ repo: bob.handle })).data
  assert.deepEqual(left.collections, ['app.bsky.feed.post'])

  // Noon: the app has slept, its access token is renewed, and the preferences are where they were.
  await agent.addSavedFeeds([{ type: 'timeline', value: 'following', pinned: true }])
  await agent.resumeSession(ann.sessions.at(-1).session)
  await agent.sessionManager.refreshSession()
  assert.equal(ann.sessions.at(-1).event, 'update')
  const preferences = await agent.getPreferences()
  assert.equal(preferences.savedFeeds[0].value, 'following')

  // Evening: another handle, and the old one is free.
  const handle = `evening-${rnd()}.test`
  await agent.updateHandle({ handle })
  assert.equal((await agent.com.atproto.server.getSession()).data.handle, handle)
  assert.equal((await agent.resolveHandle({ handle })).data.did, ann.did)
  await assert.rejects(agent.resolveHandle({ handle: ann.handle }), (thrown) => thrown.status === 400)
  assert.deepEqual((await plc.client.getDocumentData(ann.did)).alsoKnownAs, [`at://${handle}`])

  // Night: the account goes, with all that was in it.
  await agent.com.atproto.server.requestAccountDelete()
  const token = await smtp.token(ann.email)
  await agent.com.atproto.server.deleteAccount({ did: ann.did, password: ann.password, token })
  await assert.rejects(bob.agent.com.atproto.sync.getRepo({ did: ann.did }), (thrown) => thrown.error === 'RepoNotFound')
  await assert.rejects(agent.login({ identifier: handle, password: ann.password }), (thrown) => thrown.status === 401)
  assert.equal((await bob.agent.com.atproto.repo.getRecord({ repo: bob.did, collection: 'app.bsky.feed.post', rkey: reply.uri.split('/').at(-1) })).data.uri, reply.uri)

  // What the relay saw of Ann, from the first word to the last.
  const events = await stream.wait((event) => event.t === '#account' && event.body.status === 'deleted')
  const hers = events.filter(({ body }) => (body.did ?? body.repo) === ann.did)
  const told = hers.map(({ t, body }) => (t === '#commit' ? body.ops.map(({ action, path }) => `${action} ${path.split('/')[0]}`).join() : t))
  assert.deepEqual(told, [
    '#identity',
    '#account',
    '',
    '#sync',
    'create app.bsky.actor.profile',
    'create app.bsky.feed.post',
    '#identity',
    '#account',
  ])
  assert.equal(hers.at(-2).body.handle, handle)
  stream.close()
})
