// Records and calls with one thing wrong, for roost and for the reference server: the same answers, to the letter.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { basic, fine, procedure, query, refused } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { TID, documents, follow, sample } from './lib/lexicons.mjs'
import { signUp } from './lib/people.mjs'
import { other, roostOnly, withOther } from './lib/where.mjs'

const env = { PDS_RATE_LIMITS_ENABLED: 'false' }
const { pds, another } = await house({ env, named: true })
const reference = other && (await another({ line: other, env }))
/** Both servers, each with somebody who has an account there. */
const sides = () => Promise.all([pds, reference].map(async (at) => ({ at, who: await signUp(at) })))

const ACCENTED = 'e\u0301' // one grapheme of two code points
const BLOB = { $type: 'blob', ref: { $link: 'bafkreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a' }, mimeType: 'image/png', size: 10 }
// Without what roost alone refuses: JSON that is none of the data model, and blobs that are malformed.
const WRONG = [
  undefined, null, -5, '', 'two words', ACCENTED.repeat(70), 'x'.repeat(4000), '2026-13-01T00:00:00Z', 'at://x', [null], Array(30).fill('x'),
  {}, { $type: 'org.example.thing#part', a: 1 }, BLOB,
]

const KEYS = { tid: TID, any: TID, nsid: 'org.example.thing' }
const keyOf = ({ key }) => KEYS[key] ?? key.slice('literal:'.length)

/** The object that the value of a property is, or has in it first, with its definition. */
function within(property, value, home) {
  const isList = property.type === 'array'
  const part = isList ? value?.[0] : value
  const of = isList ? property.items : property
  if (part === null || typeof part !== 'object' || Array.isArray(part)) return undefined
  const { definition } = of.type === 'ref' || of.type === 'union' ? follow(of.ref ?? of.refs[0], home) : { definition: of }
  return definition?.properties && { part, properties: definition.properties }
}

/** Each record with one property of it, or of an object in it, replaced by each of the wrong values. */
function* broken(id, record) {
  const { properties } = documents.get(id).defs.main.record
  const places = [{ of: (copy) => copy, properties, name: '' }]
  for (const [name, property] of Object.entries(properties)) {
    const inner = within(property, record[name], id)
    if (inner) places.push({ of: (copy) => within(property, copy[name], id).part, properties: inner.properties, name: `${name}.` })
  }
  for (const place of places) {
    for (const name of Object.keys(place.properties)) {
      for (const value of WRONG) {
        const copy = structuredClone(record)
        place.of(copy)[name] = value
        yield { what: `${place.name}${name} = ${JSON.stringify(value)?.slice(0, 40)}`, copy }
      }
    }
  }
}

test('what is wrong with a record is said as the reference says it', { ...withOther, timeout: 240_000 }, async () => {
  const [here, there] = await sides()
  const put = async ({ at, who }, collection, rkey, record) => {
    const { status, body } = await procedure(at, 'com.atproto.repo.putRecord', { repo: who.did, collection, rkey, record }, { token: who.accessJwt })
    return status === 200 ? { status, validationStatus: body.validationStatus } : { status, ...body }
  }
  let count = 0
  let refusals = 0
  for (const [id, document] of documents) {
    const { main } = document.defs
    if (main?.type !== 'record') continue
    const rkey = keyOf(main)
    const record = { $type: id, ...sample(main.record, id) }
    for (const side of [here, there]) assert.deepEqual(await put(side, id, rkey, record), { status: 200, validationStatus: 'valid' }, id)
    const cases = [...broken(id, record)]
    while (cases.length > 0) {
      await Promise.all(
        cases.splice(0, 8).map(async ({ what, copy }) => {
          const [ours, theirs] = await Promise.all([put(here, id, rkey, copy), put(there, id, rkey, copy)])
          assert.deepEqual(ours, theirs, `${id}: ${what}`)
          count += 1
          refusals += ours.status === 400 ? 1 : 0
        }),
      )
    }
  }
  assert.ok(count > 1500 && refusals > count / 2, `${count} records, ${refusals} refused`)
})

/** A value that the definition does not allow. */
const ofAnotherType = ({ type }) => (type === 'integer' || type === 'boolean' || type === 'array' ? 'x' : 7)

/** For each property: without it, of another type, or not in its format. */
function* oneWrong({ properties = {}, required = [] } = {}, home, isQuery) {
  const whole = Object.fromEntries(required.map((name) => [name, sample(properties[name], home, 1)]))
  for (const [name, property] of Object.entries(properties)) {
    if (required.includes(name) && property.default === undefined) yield { ...whole, [name]: undefined }
    // In a query everything is a string.
    if (property.type !== 'unknown' && !(isQuery && ['string', 'array'].includes(property.type))) yield { ...whole, [name]: ofAnotherType(property) }
    if (property.format) yield { ...whole, [name]: 'no such thing' }
  }
}

test('what is wrong with a call is said as the reference says it', { ...withOther, timeout: 240_000 }, async () => {
  const both = await sides()
  const ask = async ({ at, who }, id, isQuery, input) => {
    const isAdmin = /\.admin\.|\.createInviteCodes?$/.test(id)
    const token = isAdmin || id.endsWith('.createAccount') ? undefined : who.accessJwt
    const auth = { token, headers: isAdmin ? basic(at.adminPassword) : {} }
    const present = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined))
    const { status, body } = await (isQuery ? query(at, id, { ...auth, query: present }) : procedure(at, id, present, auth))
    return { status, ...body }
  }
  let count = 0
  for (const [id, { defs: { main } }] of documents) {
    const isQuery = main?.type === 'query'
    const input = isQuery ? main.parameters : main?.type === 'procedure' && main.input?.encoding === 'application/json' && main.input.schema
    if (!input || !id.startsWith('com.atproto.')) continue
    for (const wrong of oneWrong(input, id, isQuery)) {
      if (id.endsWith('.getRepo') && wrong.collection) continue // a parameter of our own
      const [ours, theirs] = await Promise.all(both.map((side) => ask(side, id, isQuery, wrong)))
      if (theirs.status === 501 || theirs.message?.startsWith('No service configured')) continue
      assert.deepEqual(ours, theirs, `${id}: ${JSON.stringify(wrong)}`)
      assert.equal(ours.status, 400)
      count += 1
    }
  }
  assert.ok(count > 200, `${count} calls`)
})

test('where roost refuses more, or less', roostOnly('the reference differs: docs/COMPATIBILITY.md'), async () => {
  const who = await signUp(pds)
  const place = { repo: who.did, collection: 'app.bsky.actor.profile', rkey: 'self' }
  const put = (record) => procedure(pds, 'com.atproto.repo.putRecord', { ...place, record }, { token: who.accessJwt })
  for (const labels of [{ ...BLOB, size: -1 }, { ...BLOB, ref: undefined }])
    refused(await put({ labels }), 400, 'InvalidRequest', /^Invalid blob reference at labels: /)
  for (const labels of [1.5, { $link: 'x' }, { $bytes: '!' }])
    refused(await put({ labels }), 400, 'InvalidRequest', /^Invalid JSON at record.labels: /)
  for (const website of ['web+ap:x', 'file:///x']) fine(await put({ website }))
})
