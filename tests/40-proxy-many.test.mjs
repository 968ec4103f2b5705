// Many forwarded calls at once, of which the other server takes long over each.
import assert from 'node:assert/strict'
import http from 'node:http'
import { after, test } from 'node:test'
import { fine, query } from './lib/ask.mjs'
import { house } from './lib/house.mjs'
import { sleep, until } from './lib/net.mjs'
import { signUp, whoAmI } from './lib/people.mjs'
import { says, startUpstream } from './lib/upstream.mjs'
import { roostOnly } from './lib/where.mjs'

const APP_VIEW = 'did:web:appview.example'
const upstream = await startUpstream({ did: APP_VIEW })
after(() => upstream.close())
upstream.answers['app.bsky.feed.searchPosts'] = () => sleep(3000).then(() => says({ slow: true }))
const { another } = await house({
  mail: false,
  env: {
    PDS_BSKY_APP_VIEW_URL: upstream.url,
    PDS_BSKY_APP_VIEW_DID: APP_VIEW,
    PDS_PROXY_HEADERS_TIMEOUT: '30000',
  },
})

test('1,000 slow calls at once do not slow the others', roostOnly('the reference is not asked'), async () => {
  const patient = await another()
  const people = await Promise.all(Array.from({ length: 10 }, () => signUp(patient)))
  const agent = new http.Agent({ maxSockets: Infinity })
  const slow = (who) =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${who.accessJwt}` }
      const request = http.get(`${patient.url}/xrpc/app.bsky.feed.searchPosts`, { agent, headers }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode))
      })
      request.on('error', reject)
    })
  const end = Promise.all(people.flatMap((who) => Array.from({ length: 100 }, () => slow(who))))
  const under = () => upstream.calls.filter((call) => call.nsid === 'app.bsky.feed.searchPosts').length
  await until('the calls to be under way', () => under() === 1000, 20_000)
  const times = []
  for (let i = 0; i < 50; i++) {
    const started = performance.now()
    fine(await whoAmI(patient, people[0].accessJwt))
    times.push(performance.now() - started)
  }
  times.sort((a, b) => a - b)
  const statuses = await end
  agent.destroy()
  assert.deepEqual([...new Set(statuses)], [200])
  assert.ok(times[25] < 100, `getSession took ${times[25]} ms, at most ${times.at(-1)}`) // sanitizers, and a machine that is shared
})

test('one account may have so many on their way', roostOnly('the reference has no bound'), async () => {
  const patient = await another()
  const who = await signUp(patient)
  const search = () => query(patient, 'app.bsky.feed.searchPosts', { token: who.accessJwt })
  const statuses = (await Promise.all(Array.from({ length: 140 }, search))).map((answer) => answer.status)
  const count = (status) => statuses.filter((one) => one === status).length
  assert.deepEqual([count(200), count(429)], [128, 12])
  const other = await signUp(patient)
  fine(await query(patient, 'app.bsky.graph.getFollows', { token: other.accessJwt }))
})
