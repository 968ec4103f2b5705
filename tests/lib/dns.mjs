// A nameserver that knows TXT records and nothing else; a server started with its `options` asks no
// other.
import dgram from 'node:dgram'

const TXT = 16
const [NO_ERROR, REFUSED, NO_SUCH_NAME] = [0, 5, 3]

/** The name and the type of the only question of a message, and where it ends. */
function question(message) {
  const labels = []
  let at = 12
  while (message[at] !== 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + message[at]))
    at += 1 + message[at]
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 }
}

const record = (text) => {
  const data = Buffer.concat([Buffer.from([text.length]), Buffer.from(text)])
  const head = Buffer.from([0xc0, 12, 0, TXT, 0, 1, 0, 0, 0, 60, 0, data.length]) // the name is the question's
  return Buffer.concat([head, data])
}

/** Starts it. `txt` maps names to lists of texts, and may change; `asked` lists the names asked for. */
export async function startDns(txt = {}) {
  const socket = dgram.createSocket('udp4')
  const asked = []
  const dns = { txt, asked, silent: false }
  socket.on('message', (message, from) => {
    const { name, type, end } = question(message)
    if (type === TXT) asked.push(name)
    if (dns.silent) return
    const texts = type === TXT ? dns.txt[name] : undefined
    const status = type !== TXT ? REFUSED : texts ? NO_ERROR : NO_SUCH_NAME
    const head = Buffer.from(message.subarray(0, 12))
    head.writeUInt16BE(0x8180 | status, 2)
    head.writeUInt16BE(texts?.length ?? 0, 6)
    head.fill(0, 8, 12)
    socket.send(Buffer.concat([head, message.subarray(12, end), ...(texts ?? []).map(record)]), from.port, from.address)
  })
  await new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(0, '127.0.0.1', resolve)
  })
  dns.options = { preload: 'nameserver', env: { NAMESERVER_PORT: String(socket.address().port) } }
  dns.close = () => new Promise((resolve) => socket.close(resolve))
  return dns
}
