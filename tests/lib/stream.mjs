// A subscriber of the event stream, over a plain WebSocket.
import assert from 'node:assert/strict'
import { lexicons } from '@atproto/api'
import { Frame } from '@atproto/xrpc-server'
import WebSocket from 'ws'
import { until } from './net.mjs'

const NSID = 'com.atproto.sync.subscribeRepos'
export const streamUrl = (pds, query = {}) =>
  `ws://localhost:${pds.port}/xrpc/${NSID}?${new URLSearchParams(Object.entries(query).map(([k, v]) => [k, String(v)]))}`

/**
 * Connects. `events` are the messages so far ({op, t, body, bytes}), checked against the lexicon and for
 * rising numbers; `end` resolves to {code, reason} when the socket has closed.
 */
export async function subscribe(pds, query) {
  const socket = new WebSocket(streamUrl(pds, query))
  const events = []
  let wrong
  let last = 0
  const take = (bytes) => {
    const frame = Frame.fromBytes(bytes)
    events.push({ op: frame.op, t: frame.header.t, body: frame.body, bytes: Buffer.from(bytes) })
    if (!frame.isMessage()) return
    lexicons.assertValidXrpcMessage(NSID, { $type: NSID + frame.type, ...frame.body })
    if (frame.type === '#info') return
    assert.ok(frame.body.seq > last, `number ${frame.body.seq} after ${last}`)
    last = frame.body.seq
  }
  socket.on('message', (data, isBinary) => {
    try {
      assert.ok(isBinary)
      take(data)
    } catch (error) {
      wrong ??= error
    }
  })
  const end = new Promise((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  )
  socket.on('error', (error) => (wrong ??= error))
  await until('the stream to open', () => socket.readyState !== WebSocket.CONNECTING)
  return {
    socket,
    events,
    end,
    last: () => last,
    /** Waits until there are so many messages, or one that is like that. */
    async wait(what) {
      const has = typeof what === 'number' ? () => events.length >= what : () => events.some(what)
      await until(`events (has ${events.length})`, () => wrong || has(), 20_000)
      if (wrong) throw wrong
      return events
    },
    close: () => socket.close(),
  }
}
