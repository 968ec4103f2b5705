// Records of namespaces that roost does not know: their lexicons as others publish them.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import { fine, procedure, refused } from './lib/ask.mjs'
import { startDns } from './lib/dns.mjs'
import { house } from './lib/house.mjs'
import { until } from './lib/net.mjs'
import { rnd, signUp } from './lib/people.mjs'
import { names } from './lib/server.mjs'
import { roostOnly } from './lib/where.mjs'

const only = { ...names, ...roostOnly('the reference knows its own lexicons only') }
const dns = await startDns()
after(() => dns.close())
const { pds: publisher, another } = await house({ mail: false })
const author = await signUp(publisher)

/** Publishes a document on the other server, under a domain of its own, and gives the NSID. */
async function publish(definitions, nsid = `com.${'n' + rnd()}.note`) {
  fine(
    await procedure(
      publisher,
      'com.atproto.repo.putRecord',
      {
        repo: author.did,
        collection: 'com.atproto.lexicon.schema',
        rkey: nsid,
        record: { $type: 'com.atproto.lexicon.schema', lexicon: 1, id: nsid, defs: definitions },
      },
      { token: author.accessJwt },
    ),
  )
  dns.txt['_lexicon.' + nsid.split('.').slice(0, -1).reverse().join('.')] = [`did=${author.did}`]
  return nsid
}
const recordOf = (properties, required = []) => ({
  type: 'record',
  key: 'any',
  record: { type: 'object', required, properties },
})
const note = { main: recordOf({ text: { type: 'string', maxLength: 5 } }, ['text']) }

const create = (pds, who, record, validate) =>
  procedure(
    pds,
    'com.atproto.repo.createRecord',
    { repo: who.did, collection: record.$type, record, ...(validate !== undefined && { validate }) },
    { token: who.accessJwt },
  )
const start = async () => {
  const pds = await another({ mail: false, ...dns.options })
  return { pds, who: await signUp(pds) }
}

test('a record obeys the lexicon that its author publishes', only, async () => {
  const { pds, who } = await start()
  const nsid = await publish(note)
  assert.equal(fine(await create(pds, who, { $type: nsid, text: 'any length' })).validationStatus, 'unknown')
  assert.deepEqual(dns.asked, [], 'who does not ask for validation waits for nobody')
  refused(
    await create(pds, who, { $type: nsid, text: 'too long' }, true),
    400,
    'InvalidRequest',
    `Invalid ${nsid} record: string too big (maximum 5, got 8) at $.record.text`,
  )
  assert.equal(fine(await create(pds, who, { $type: nsid, text: 'short' }, true)).validationStatus, 'valid')
  assert.equal(dns.asked.length, 1, 'it is remembered')
  refused(await create(pds, who, { $type: nsid }), 400, 'InvalidRequest', /Missing required key "text"/)
  assert.equal(fine(await create(pds, who, { $type: nsid }, false)).validationStatus, undefined)
  const agent = new AtpAgent({ service: pds.url })
  await agent.login({ identifier: who.handle, password: who.password })
  const made = await agent.com.atproto.repo.createRecord({ repo: who.did, collection: nsid, record: { text: 'hi' }, validate: true })
  assert.equal(made.data.validationStatus, 'valid')
})

test('references to other documents, of its own and of the house', only, async () => {
  const { pds, who } = await start()
  const defs = await publish(
    { main: { type: 'token' }, who: { type: 'object', required: ['did'], properties: { did: { type: 'string', format: 'did' } } } },
    `org.${'d' + rnd()}.defs`,
  )
  const nsid = await publish({
    main: recordOf({
      to: { type: 'ref', ref: `${defs}#who` },
      subject: { type: 'ref', ref: 'com.atproto.repo.strongRef' },
      embed: { type: 'union', refs: ['org.nobody.nothing', '#inner'] },
    }),
    inner: { type: 'object', required: ['size'], properties: { size: { type: 'integer' } } },
  })
  const refuses = async (record, message) =>
    refused(await create(pds, who, { $type: nsid, ...record }, true), 400, 'InvalidRequest', message)
  await refuses({ to: { did: 'nobody' } }, /Invalid DID .* at \$\.record\.to\.did/)
  await refuses({ subject: { uri: 'at://x' } }, /\$\.record\.subject/)
  await refuses({ embed: { $type: `${nsid}#inner` } }, /Missing required key "size"/)
  fine(await create(pds, who, { $type: nsid, embed: { $type: 'org.nobody.nothing', x: 1 } }, true))
})

test('what cannot be resolved says why', only, async () => {
  const { pds, who } = await start()
  const refuses = async (nsid, why) => {
    refused(
      await create(pds, who, { $type: nsid }, true),
      400,
      'InvalidRequest',
      `Unknown lexicon type: ${nsid} (its lexicon could not be resolved: ${why})`,
    )
  }
  await refuses('org.nobody.note', '_lexicon.nobody.org has no TXT record with a DID')
  const nsid = await publish(note)
  const sibling = nsid.replace('note', 'other')
  await refuses(sibling, `${author.did} does not publish it`)
  const query = await publish({ main: { type: 'query' } })
  await refuses(query, `the main definition of ${query} is no record`)
})

test('nobody waits for more than two seconds', only, async () => {
  const { pds, who } = await start()
  const nsid = await publish(note)
  dns.silent = true
  try {
    const began = performance.now()
    refused(await create(pds, who, { $type: nsid, text: 'hi' }, true), 400, 'InvalidRequest', /it takes too long/)
    const ms = performance.now() - began
    assert.ok(ms > 1500 && ms < 2500, `${ms} ms`)
    assert.equal(fine(await create(pds, who, { $type: nsid, text: 'hi' })).validationStatus, 'unknown')
    // The look-up goes on for ten seconds; what became of it is remembered.
    const ends = async () => !/takes too long, so/.test((await create(pds, who, { $type: nsid, text: 'hi' }, true)).text)
    await until('the look-up to end', ends, 20_000)
    const asked = dns.asked.length
    refused(await create(pds, who, { $type: nsid, text: 'hi' }, true), 400, 'InvalidRequest', /the DNS cannot be asked for _lexicon\./)
    assert.equal(dns.asked.length, asked)
  } finally {
    dns.silent = false
  }
})

test('documents of the house are nobody else\'s to change', only, async () => {
  const { pds, who } = await start()
  await publish({ main: recordOf({}) }, 'app.bsky.feed.post')
  const before = dns.asked.length
  refused(await create(pds, who, { $type: 'app.bsky.feed.post' }, true), 400, 'InvalidRequest', /Missing required key/)
  refused(await create(pds, who, { $type: 'app.bsky.embed.images' }, true), 400, 'InvalidRequest', 'Unknown lexicon type: app.bsky.embed.images')
  assert.equal(dns.asked.length, before)
})
