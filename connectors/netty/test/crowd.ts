/**
 * Clients in a process of their own, so that their sockets do not count against the server's limit of open files.
 * Arguments: port, connections, lines for each. Tells its parent `connected` when all are, and sends when
 * the parent says anything; a line is `<client>:<line>`. Ends by telling how many connections ended in an orderly way.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** At the same time at most, because the server's queue of new connections is short. */
const WAVE = 200

const [port = 0, connections = 0, lines = 0] = process.argv.slice(2).map(Number)

const sockets: Socket[] = []
while (sockets.length < connections) {
  const wave = Array.from({ length: Math.min(WAVE, connections - sockets.length) }, () =>
    connect({ port, host: '127.0.0.1', allowHalfOpen: true }),
  )
  await Promise.all(wave.map(socket => once(socket, 'connect')))
  sockets.push(...wave)
}
process.send?.('connected')
await once(process, 'message')

const endings = await Promise.all(
  sockets.map((socket, client) => {
    const text = Array.from({ length: lines }, (_, line) => `${client}:${line}\n`).join('')
    socket.end(text)
    socket.resume()
    return new Promise<'end' | 'reset'>(resolve => {
      socket.once('end', () => resolve('end'))
      socket.once('error', () => resolve('reset'))
      socket.once('close', () => resolve('reset'))
    })
  }),
)
process.send?.({ ended: endings.filter(ending => ending === 'end').length }, () => process.disconnect())
