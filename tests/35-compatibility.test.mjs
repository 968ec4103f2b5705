// docs/COMPATIBILITY.md tells of every method of com.atproto, and a running server does what it says.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { procedure, query, refused } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { foreign } from './lib/where.mjs'

const file = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const PAGE = 'docs/COMPATIBILITY.md'
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

test('a server does what the page says', skipped, async () => {
  const { pds } = await house({ mail: false })
  const ask = (nsid) => (kinds.get(nsid) === 'procedure' ? procedure(pds, nsid, {}) : query(pds, nsid))
  const answers = await Promise.all(rows.map(async (row) => ({ ...row, answer: await ask(row.nsid) })))
  for (const { nsid, here, answer } of answers) {
    if (here === 'not served') refused(answer, 501, 'MethodNotImplemented')
    else assert.notEqual(answer.status, 501, `${nsid} is ${here}, says the page: ${answer.text}`)
    assert.notEqual(answer.status, 500, `${nsid}: ${answer.text}`)
  }
  refused(await query(pds, 'com.atproto.server.inventedToday'), 501, 'MethodNotImplemented')
})
