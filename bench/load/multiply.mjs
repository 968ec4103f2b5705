// Copies an account that has written nothing, in the file of a server that stands still:
//
//   multiply.mjs FILE COUNT ACCESS_TOKEN JWT_SECRET
//
// Prints [{did, accessJwt}] of the copies. They share the signing key of the account, and its head,
// which is enough to write upon.
import crypto from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'

const [file, count, token, secret] = process.argv.slice(2)
const [header, payload] = token.split('.')
const claims = JSON.parse(Buffer.from(payload, 'base64url'))
const signed = (more) => {
  const text = `${header}.${Buffer.from(JSON.stringify({ ...claims, ...more })).toString('base64url')}`
  return `${text}.${crypto.createHmac('sha256', secret).update(text).digest('base64url')}`
}

const db = new DatabaseSync(file)
const { id: model } = db.prepare('SELECT id FROM account WHERE did = ?').get(claims.sub)
const { next } = db.prepare('SELECT max(id) + 1 AS next FROM account').get()
/** A row of the model's in `table`, with some columns of its own: `values` is named in `columns`. */
const copy = (table, key, columns, rest) =>
  db.prepare(`INSERT INTO ${table} (${[...columns, ...rest]}) SELECT ${[...columns.map(() => '?'), ...rest]} FROM ${table} WHERE ${key} = ${model}`)
const account = copy('account', 'id', ['id', 'did', 'handle'], ['created_at'])
const key = copy('signing_key', 'account_id', ['account_id'], ['did_key', 'sealed'])
const repo = copy('repo', 'account_id', ['account_id'], ['rev', 'commit_cid', 'commit_block', 'nodes_seq', 'nodes_root', 'record_count'])
const session = copy('session', 'account_id', ['id', 'account_id'], ['scope', 'token', 'created_at', 'expires_at'])

const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567'
const made = []
db.exec('BEGIN')
for (let n = 0; n < Number(count); n++) {
  const did = `did:plc:${[...crypto.randomBytes(24)].map((byte) => LETTERS[byte & 31]).join('')}`
  const sid = `${claims.sid}${n}`
  account.run(next + n, did, `copy${n}.test`)
  key.run(next + n)
  repo.run(next + n)
  session.run(sid, next + n)
  made.push({ did, accessJwt: signed({ sub: did, sid }) })
}
db.exec('COMMIT')
db.close()
console.log(JSON.stringify(made))
