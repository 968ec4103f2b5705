// Small things about sockets and waiting.
import net from 'node:net'

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

const bindable = (port) =>
  new Promise((resolve) => {
    const probe = net.createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })

/**
 * A port below the range the kernel hands out, so that it can be bound again after a restart. The
 * ports beside it, which a server uses by default, are free as well.
 */
export async function freePort() {
  for (let i = 0; i < 200; i++) {
    const port = 12000 + Math.floor(Math.random() * 18000)
    const free = await Promise.all([port - 1, port, port + 1].map(bindable))
    if (free.every(Boolean)) return port
  }
  throw new Error('no free port')
}

/** Asks `probe` until it gives something truthy; fails with `what` after `ms`. */
export async function until(what, probe, ms = 10_000) {
  const end = performance.now() + ms
  for (;;) {
    const got = await probe()
    if (got) return got
    if (performance.now() > end) throw new Error(`waited ${ms} ms for ${what}`)
    await sleep(10)
  }
}
