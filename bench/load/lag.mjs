// How long after a write is acknowledged its event reaches a subscriber. Writes come at a steady pace, so
// that what is measured is the server and not a queue in here. Both times are taken in this process.
import WebSocket from 'ws'
import { sleep } from '../../tests/lib/net.mjs'

const WRITES_PER_S = 200
const MARK = 'lag number '
const DIGITS = 6

/** {p50, p99, max} in ms, and the number of `writes`. An event that comes before the answer counts as 0. */
export async function measureLag(server, world, seconds) {
  const delivered = new Map()
  const acknowledged = new Map()
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/xrpc/com.atproto.sync.subscribeRepos`)
  socket.on('message', (frame) => {
    const at = frame.indexOf(MARK)
    if (at < 0) return
    const digits = frame.subarray(at + MARK.length, at + MARK.length + DIGITS)
    delivered.set(Number(digits.toString('latin1')), performance.now())
  })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const write = async (number) => {
    const { did, accessJwt } = world.accounts[number % world.accounts.length]
    const text = MARK + String(number).padStart(DIGITS, '0')
    const record = { $type: 'app.bsky.feed.post', text, createdAt: new Date().toISOString() }
    await world.xrpc('repo.createRecord', { repo: did, collection: record.$type, record }, accessJwt)
    acknowledged.set(number, performance.now())
  }
  const end = performance.now() + seconds * 1000
  const writes = []
  for (let next = performance.now(); next < end; ) {
    if (performance.now() >= next) {
      writes.push(write(writes.length))
      next = Math.max(next, performance.now() - 1) + 1000 / WRITES_PER_S // what is missed is not made up for
    } else await sleep(1)
  }
  await Promise.all(writes)
  for (let i = 0; i < 500 && delivered.size < acknowledged.size; i++) await sleep(10)
  socket.close()
  if (delivered.size !== writes.length) throw new Error(`${writes.length} writes, ${delivered.size} events`)
  const lags = [...acknowledged].map(([number, time]) => Math.max(0, delivered.get(number) - time)).sort((a, b) => a - b)
  const at = (part) => lags[Math.min(lags.length - 1, Math.floor(lags.length * part))]
  return { p50: at(0.5), p99: at(0.99), max: lags.at(-1), writes: lags.length }
}
