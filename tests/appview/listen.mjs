// Whatever listens in a process that imports this, listens on the loopback only.
import net from 'node:net'

const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (port, ...rest) {
  if (typeof port !== 'number') return listen.call(this, port, ...rest)
  return listen.call(this, port, '127.0.0.1', ...rest.filter((one) => typeof one === 'function'))
}

/** Says that this process is ready, and from then on answers what the one that started it asks (lib/appview.mjs). */
export function serve(questions = {}) {
  process.on('message', async ({ id, ask, ...more }) => {
    try {
      process.send({ id, answer: await questions[ask](more) })
    } catch (error) {
      process.send({ id, error: String(error.stack) })
    }
  })
  process.on('disconnect', () => process.exit(0))
  process.send({ id: 0 })
}
