import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { SourceRecord } from '@pulsar-io/sdk'
import { describe, expect, it } from 'vitest'
import { client, ending, publishAtOnce, type RunningTcp, start, startTcp, until } from './harness.ts'

const KIB = 1024

/** What one read of a socket brings at most. */
const PIECE = 64 * KIB

/** A topic that takes nothing until it is opened. */
function gate() {
  let open = (): void => undefined
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  const publish = async (records: readonly SourceRecord[]): Promise<void> => {
    await opened
    await publishAtOnce(records)
  }
  return { open, publish }
}

/** What `look` sees when it changes no more. */
async function settled<T>(look: () => T): Promise<T> {
  for (let before = ''; ; ) {
    await new Promise(resolve => setTimeout(resolve, 100))
    const seen = look()
    if (JSON.stringify(seen) === before) return seen
    before = JSON.stringify(seen)
  }
}

describe('a flood over tcp', () => {
  it('holds no more than its bounds while the topic takes nothing, and loses nothing', async () => {
    const [clients, lines, max] = [40, 4 * KIB, 256 * KIB]
    const { open, publish } = gate()
    const running = await startTcp({ maxBufferedBytes: max }, publish)
    const sockets = await Promise.all(Array.from({ length: clients }, () => client(running.port)))
    const text = `${'x'.repeat(KIB - 1)}\n`.repeat(lines)
    const endings = sockets.map(socket => {
      socket.end(text)
      return ending(socket)
    })
    await until(() => expect(running.listener.held.waitingBytes).toBeGreaterThan(max))
    const held = await settled(() => running.listener.held)
    // One piece passes the bound; its records weigh a little more than their bytes.
    expect(held.waitingBytes).toBeLessThan(max + PIECE + (PIECE / KIB) * 200)
    expect(held.unreadBytes).toBeLessThanOrEqual(clients * 2 * PIECE)
    expect(running.batches.length).toBeLessThan(clients)
    open()
    expect(new Set(await Promise.all(endings))).toEqual(new Set(['end']))
    expect(running.records).toHaveLength(clients * lines)
    await until(() => expect(running.listener.held).toEqual(nothing))
  })

  it('of empty lines counts what their records weigh', async () => {
    const max = 256 * KIB
    const { open, publish } = gate()
    const running = await startTcp({ maxBufferedBytes: max }, publish)
    const [first, second] = [await client(running.port), await client(running.port)]
    first.write('\n'.repeat(32 * KIB))
    await until(() => expect(running.listener.held.waitingBytes).toBeGreaterThan(max))
    const taken = running.records.length
    second.write('\n')
    await until(() => expect(running.listener.held.unreadBytes).toBeGreaterThanOrEqual(1))
    expect(running.records.length).toBe(taken)
    open()
    await until(() => expect(running.records).toHaveLength(32 * KIB + 1))
  })

  it('from some does not keep the others out for good', async () => {
    const waiting: (() => void)[] = []
    const running = await startTcp({ maxBufferedBytes: 8 * KIB }, async records => {
      await new Promise<void>(resolve => void waiting.push(resolve))
      await publishAtOnce(records)
    })
    const greedy = await client(running.port)
    greedy.write(`${'g'.repeat(KIB)}\n`.repeat(64))
    await until(() => expect(running.batches).toHaveLength(1))
    const modest = await client(running.port)
    modest.write('modest\n')
    await until(() => expect(running.listener.held.unreadBytes).toBeGreaterThanOrEqual('modest\n'.length))
    expect(running.batches).toHaveLength(1)
    for (let turn = 0; turn < 50 && !running.texts().includes('modest'); turn++) {
      waiting.shift()?.()
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    expect(running.texts()).toContain('modest')
    greedy.destroy()
    while (running.listener.held.waitingBytes > 0) {
      waiting.shift()?.()
      await new Promise(resolve => setImmediate(resolve))
    }
  })

  it('of clients that break off meanwhile is forgotten when the topic takes more', async () => {
    const { open, publish } = gate()
    const running = await startTcp({ maxBufferedBytes: 8 * KIB }, publish)
    const sockets = await Promise.all(Array.from({ length: 5 }, () => client(running.port)))
    for (const socket of sockets) socket.write(`${'x'.repeat(KIB)}\n`.repeat(64))
    await settled(() => running.listener.held)
    for (const socket of sockets) socket.resetAndDestroy()
    open()
    await until(() => expect(running.listener.held).toEqual(nothing))
  })
})

describe('a flood over udp', () => {
  it('is bounded by the queue, and every datagram that came is either published or counted', async () => {
    const [sent, queued] = [5_000, 100]
    const { open, publish } = gate()
    const running = await start({ type: 'udp', maxQueuedDatagrams: queued, receiveBufferBytes: '4MiB' }, publish)
    const socket = createSocket('udp4')
    for (let i = 0; i < sent; i++) {
      await new Promise<void>(resolve => socket.send('x'.repeat(100), running.port, '127.0.0.1', () => resolve()))
    }
    const dropped = await settled(() => running.metric('netty_dropped_datagrams'))
    expect(dropped).toBeGreaterThan(0)
    const atFirst = running.records.length
    open()
    await until(() => expect(running.records).toHaveLength(atFirst + queued))
    // What the system itself had no room for is seen by nobody here.
    expect(running.records.length + dropped).toBeLessThanOrEqual(sent)
    expect(running.records.length + dropped).toBeGreaterThan(queued * 2)
    socket.close()
  })

  it('of the largest datagrams brings them whole', async () => {
    const running = await start({ type: 'udp', receiveBufferBytes: '4MiB' })
    const largest = Buffer.alloc(65_507, 'ä')
    const socket = createSocket('udp4')
    await new Promise<void>((resolve, reject) =>
      socket.send(largest, running.port, '127.0.0.1', error => (error ? reject(error) : resolve())),
    )
    await until(() => expect(running.records).toHaveLength(1))
    expect(largest.equals(running.records[0]?.value as Buffer)).toBe(true)
    socket.close()
  })
})

describe('slow clients', () => {
  it('that send a line byte by byte are reset after frameTimeout, and others are not held up', async () => {
    const running = await startTcp({ frameTimeout: '200ms' })
    const slow = await client(running.port)
    const quick = await client(running.port)
    const drip = setInterval(() => slow.write('x'), 20)
    const ended = ending(slow)
    quick.write('quick\n')
    await until(() => expect(running.texts()).toEqual(['quick']))
    expect(await ended).toBe('reset')
    clearInterval(drip)
    // Nothing incomplete is held of a client that is between two lines, however long.
    quick.end('still here\n')
    expect(await ending(quick)).toBe('end')
    expect(running.texts()).toEqual(['quick', 'still here'])
    expect(running.context.logger.messages('warn')[0]).toMatch(/record too slow: .*frameTimeout/)
    await until(() => expect(running.listener.held).toEqual(nothing))
  })

  it('are not blamed for the time in which the topic takes nothing', async () => {
    const { open, publish } = gate()
    const running = await startTcp({ frameTimeout: '1s' }, publish)
    const socket = await client(running.port)
    socket.write('one\ntw')
    await until(() => expect(running.records).toHaveLength(1))
    await new Promise(resolve => setTimeout(resolve, 1200))
    open()
    // Several looks at slow clients fall into this.
    await new Promise(resolve => setTimeout(resolve, 500))
    socket.end('o\n')
    expect(await Promise.race([ending(socket), published(running, 2)])).not.toBe('reset')
    expect(running.texts()).toEqual(['one', 'two'])
  })

  it('that send their request line byte by byte are answered 408, and others are not held up', async () => {
    const running = await start({ type: 'http', headersTimeout: '200ms', requestTimeout: '300ms' })
    const slow = await client(running.port)
    slow.write('POST / HTTP/1.1\r\n')
    const drip = setInterval(() => slow.write('X'), 20)
    expect((await fetch(`http://127.0.0.1:${running.port}/`, { method: 'POST', body: 'quick' })).status).toBe(200)
    expect(await answer(slow)).toMatch(/^HTTP\/1\.1 408 /)
    clearInterval(drip)
    expect(running.texts()).toEqual(['quick'])
  })

  it('that send their body byte by byte are answered 408, and what came of it is not held', async () => {
    const running = await start({ type: 'http', requestTimeout: '300ms', maxBufferedBytes: '8KiB' })
    const slow = await client(running.port)
    slow.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n')
    slow.write('x'.repeat(4_000))
    const drip = setInterval(() => slow.write('x'), 50)
    expect(await answer(slow)).toMatch(/^HTTP\/1\.1 408 /)
    clearInterval(drip)
    expect(running.records).toHaveLength(0)
    // Only where the memory was given back does a request of this size fit.
    const body = 'y'.repeat(5_000)
    expect((await fetch(`http://127.0.0.1:${running.port}/`, { method: 'POST', body })).status).toBe(200)
  })
})

describe('connections that are half closed or cut', () => {
  it('a client that only sent its end gets it back', async () => {
    const running = await startTcp()
    const socket = await client(running.port)
    socket.end()
    expect(await ending(socket)).toBe('end')
    await until(() => expect(running.listener.held).toEqual(nothing))
  })

  it('a client that sent its end and goes away before it is answered leaves nothing behind', async () => {
    const { open, publish } = gate()
    const running = await startTcp({}, publish)
    const socket = await client(running.port)
    socket.end('one\n')
    await until(() => expect(running.records).toHaveLength(1))
    socket.destroy()
    open()
    await until(() => expect(running.listener.held).toEqual(nothing))
  })

  it.each([
    ['lines', 'one\ntwo and a ha'],
    ['length', Buffer.from('\0\0\0\x03one\0\0\0\x09two a')],
    ['syslog', '3 one9 two a'],
  ])('publishes nothing of a frame that was cut, and everything before it: %s', async (framing, bytes) => {
    const running = await startTcp({ framing })
    const socket = await client(running.port)
    socket.write(bytes)
    await until(() => expect(running.listener.held.incompleteBytes).toBeGreaterThan(0))
    socket.resetAndDestroy()
    await until(() => expect(running.listener.held).toEqual(nothing))
    expect(running.texts()).toEqual(['one'])
    expect(running.metric('netty_failed_connections')).toBe(1)
  })
})

const nothing = { connections: 0, incompleteBytes: 0, waitingBytes: 0, unreadBytes: 0 }

async function published(running: RunningTcp, records: number): Promise<'published'> {
  await until(() => expect(running.records).toHaveLength(records))
  return 'published'
}

/** All that a server says until it ends the connection. */
async function answer(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  socket.on('error', () => undefined) // The server resets what it does not want to read.
  await once(socket, 'close').catch(() => undefined)
  return text
}
