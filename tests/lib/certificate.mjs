// A certificate for localhost that nobody else trusts, made by the openssl program.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

export function selfSigned() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'journey-tls-'))
  const [keyFile, certificateFile] = ['key.pem', 'certificate.pem'].map((name) => path.join(folder, name))
  const made = spawnSync('openssl', [
    ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost'.split(' '),
    ...['-addext', 'subjectAltName=DNS:localhost', '-keyout', keyFile, '-out', certificateFile],
  ])
  assert.equal(made.status, 0, String(made.stderr))
  const [key, certificate] = [keyFile, certificateFile].map((file) => fs.readFileSync(file, 'utf8'))
  return { folder, keyFile, certificateFile, key, certificate, remove: () => fs.rmSync(folder, { recursive: true, force: true }) }
}
