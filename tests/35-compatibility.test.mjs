// docs/COMPATIBILITY.md tells of every method of com.atproto, and a running server does what it says.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import http from 'node:http'
import { fileURLToPath } from 'node:url'
import { after, test } from 'node:test'
import { procedure, query, refused } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { parts } from './lib/jwt.mjs'
import { signUp } from './lib/people.mjs'
import { foreign } from './lib/where.mjs'

const file = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const PAGE = 'docs/COMPATIBILITY.md'
const REPORT = 'com.atproto.moderation.createReport'
const ANN = { $type: 'com.atproto.admin.defs#repoRef', did: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' }
const METHODS = ['query', 'procedure', 'subscription']
const skipped = foreign ? { skip: 'the page is about roost' } : {}

/** The rows of the page's table of methods. */
function pageRows() {
  const part = fs.readFileSync(file(PAGE), 'utf8').split(/^## /m).find((one) => one.startsWith('Methods of com.atproto'))
  assert.ok(part, `${PAGE} has a part "Methods of com.atproto"`)
  return part
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => {
      const [, nsid, here, why] = line.match(/^\| `([a-zA-Z.]+)` \| ([a-z ]+) \|(.*)\|$/) ?? assert.fail(`not a row: ${line}`)
      return { nsid, here, why: why.trim() }
    })
}

/** NSID → kind, of all methods whose documents stand in lexicons/. */
function documents() {
  const root = file('lexicons/com/atproto')
  const kinds = fs
    .readdirSync(root, { recursive: true })
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(fs.readFileSync(`${root}/${name}`, 'utf8')))
    .map((document) => [document.id, document.defs.main?.type])
  return new Map(kinds.filter(([, kind]) => METHODS.includes(kind)))
}

const rows = pageRows()
const kinds = documents()

test('the page names each method once, in order, and says why one is not served', skipped, () => {
  assert.ok(kinds.size > 80, 'the documents were found')
  const named = rows.map((row) => row.nsid)
  assert.deepEqual(named, [...kinds.keys()].sort())
  for (const { nsid, here, why } of rows) {
    assert.ok(['served', 'proxied', 'not served'].includes(here), `${nsid}: ${here}`)
    if (here !== 'served') assert.notEqual(why, '', `${nsid} is ${here}: why?`)
  }
})

const { pds, another } = skipped.skip ? {} : await house({ mail: false })
// A list is the input of no method that is served.
const bodyOf = (nsid) => (nsid === REPORT ? { reasonType: 'com.atproto.moderation.defs#reasonSpam', subject: ANN } : '[]')
const ask = (pds, nsid, options) => (kinds.get(nsid) === 'procedure' ? procedure(pds, nsid, bodyOf(nsid), options) : query(pds, nsid, options))

test('a server does what the page says', skipped, async () => {
  const answers = await Promise.all(rows.map(async (row) => ({ ...row, answer: await ask(pds, row.nsid) })))
  for (const { nsid, here, answer } of answers) {
    if (here === 'not served') refused(answer, 501, 'MethodNotImplemented')
    if (here === 'served') assert.notEqual(answer.status, 501, `${nsid} is served, says the page: ${answer.text}`)
    assert.notEqual(answer.status, 500, `${nsid}: ${answer.text}`)
  }
  refused(await query(pds, 'com.atproto.server.inventedToday'), 501, 'MethodNotImplemented')
})

test('what is proxied goes to the service that is set, with a token for it; what is served does not', skipped, async () => {
  const arrived = new Map()
  const service = http.createServer((request, answer) => {
    const nsid = request.url.split('?')[0].split('/').at(-1)
    arrived.set(nsid, parts(request.headers.authorization.split(' ')[1]).payload)
    answer.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise((resolve) => service.listen(0, '127.0.0.1', resolve))
  after(() => service.close())
  const url = `http://localhost:${service.address().port}`
  const at = await another({
    env: {
      PDS_BSKY_APP_VIEW_URL: url,
      PDS_BSKY_APP_VIEW_DID: 'did:web:appview.example',
      PDS_REPORT_SERVICE_URL: url,
      PDS_REPORT_SERVICE_DID: 'did:web:reports.example',
    },
  })
  const who = await signUp(at)
  await Promise.all(rows.filter((row) => row.here !== 'not served').map((row) => ask(at, row.nsid, { token: who.accessJwt })))
  const aud = (nsid) => (nsid === REPORT ? 'did:web:reports.example' : 'did:web:appview.example')
  for (const { nsid } of rows.filter((row) => row.here === 'proxied')) {
    const { iss, lxm, aud: to } = arrived.get(nsid) ?? assert.fail(`${nsid} did not arrive`)
    assert.deepEqual({ iss, lxm, to }, { iss: who.did, lxm: nsid, to: aud(nsid) })
  }
  const served = rows.filter((row) => row.here === 'served').map((row) => row.nsid)
  assert.deepEqual([...arrived.keys()].filter((nsid) => served.includes(nsid)), [])
})
