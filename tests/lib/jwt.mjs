// JSON web tokens taken apart and forged.
import crypto from 'node:crypto'

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
const decode = (part) => JSON.parse(Buffer.from(part, 'base64url').toString())

export function parts(token) {
  const [header, payload, signature] = token.split('.')
  return { header: decode(header), payload: decode(payload), signature }
}

/** A token of that header and payload; signed by HMAC-SHA256 with `key`, or by nobody. */
export function forge(header, payload, key) {
  const signed = `${encode(header)}.${encode(payload)}`
  if (key === undefined) return `${signed}.`
  return `${signed}.${crypto.createHmac('sha256', key).update(signed).digest('base64url')}`
}
