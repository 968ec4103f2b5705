// Every secret the journeys handle is noted here; when a server ends, none may stand in its log.
import assert from 'node:assert/strict'

const noted = new Map()

export function secret(value, what) {
  if (typeof value === 'string' && value.length >= 8) noted.set(value, what)
  return value
}

/** Notes the secret members of an answer, at any depth. */
export function note(answer) {
  if (answer === null || typeof answer !== 'object') return
  for (const [name, value] of Object.entries(answer)) {
    if (['accessJwt', 'refreshJwt', 'token', 'password'].includes(name)) secret(value, name)
    else note(value)
  }
}

export function assertNoneIn(log) {
  for (const [value, what] of noted) {
    if (!log.includes(value)) continue
    const at = log.indexOf(value)
    assert.fail(`the log holds a secret (${what}): …${log.slice(Math.max(0, at - 120), at + 40)}…`)
  }
}
