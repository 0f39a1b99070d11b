import type { SourceRecord } from '@pulsar-io/sdk'
import { describe, expect, it } from 'vitest'
import { client, ending, publishAtOnce, start, until } from './harness.ts'

describe('tcp', () => {
  it('takes each line as a record, whatever the pieces it comes in', async () => {
    const running = await start()
    const socket = await client(running.port)
    for (const piece of ['on', 'e\r', '\ntwo\n', '\nthr', 'ee']) {
      socket.write(piece)
      await new Promise(resolve => setImmediate(resolve))
    }
    socket.end()
    expect(await ending(socket)).toBe('end')
    expect(running.texts()).toEqual(['one', 'two', '', 'three'])
  })

  it('passes bytes on as they are', async () => {
    const running = await start()
    const socket = await client(running.port)
    socket.end(Buffer.from([0xff, 0x00, 0xc3, 0x28, 0x0a]))
    expect(await ending(socket)).toBe('end')
    expect(running.records[0]?.value).toEqual(Buffer.from([0xff, 0x00, 0xc3, 0x28]))
  })

  it('emits the records of a chunk together', async () => {
    const running = await start()
    const socket = await client(running.port)
    socket.end('a\n'.repeat(1000))
    await ending(socket)
    expect(running.records).toHaveLength(1000)
    expect(running.batches.length).toBeLessThan(10)
  })

  it('reads frames behind their length', async () => {
    const running = await start({ framing: 'length', lengthBytes: '2' })
    const socket = await client(running.port)
    socket.write(Buffer.from([0, 3, 0x61, 0x62]))
    socket.end(Buffer.from([0x63, 0, 0, 0, 1, 0x0a]))
    expect(await ending(socket)).toBe('end')
    expect(running.texts()).toEqual(['abc', '', '\n'])
  })

  it('takes what one read brings with framing raw', async () => {
    const running = await start({ framing: 'raw' })
    const socket = await client(running.port)
    socket.end('one\ntwo')
    await ending(socket)
    expect(running.texts()).toEqual(['one\ntwo'])
  })

  it('ends the connection only when everything is published', async () => {
    const waiting: SourceRecord[] = []
    const running = await start({}, async records => void waiting.push(...records))
    const socket = await client(running.port)
    socket.end('one\ntwo\n')
    const ended = ending(socket)
    await until(() => expect(waiting).toHaveLength(2))
    await waiting[0]?.ack?.()
    expect(await Promise.race([ended, new Promise(resolve => setTimeout(resolve, 50, 'open'))])).toBe('open')
    await waiting[1]?.ack?.()
    expect(await ended).toBe('end')
  })

  it('resets the connection when a record could not be published', async () => {
    const running = await start({}, async records => {
      for (const record of records) await record.fail?.(new Error('topic is full'))
    })
    const socket = await client(running.port)
    socket.end('one\n')
    expect(await ending(socket)).toBe('reset')
    expect(running.metric('netty_failed_records')).toBe(1)
    expect(running.context.logger.messages('warn').join('\n')).toContain('topic is full')
  })

  it('stops reading while the runtime has no room', async () => {
    let release = (): void => undefined
    const gate = new Promise<void>(resolve => {
      release = resolve
    })
    const running = await start({}, async records => {
      await gate
      await publishAtOnce(records)
    })
    const socket = await client(running.port)
    const line = `${'x'.repeat(1023)}\n`
    const block = line.repeat(1024)
    const blocks = 64
    for (let i = 0; i < blocks; i++) socket.write(block)
    socket.end()
    const ended = ending(socket)
    await until(() => expect(running.batches).toHaveLength(1))
    // What the kernel holds for both sides is a few MiB; the rest has to stay with the client.
    let before = -1
    while (socket.writableLength !== before) {
      before = socket.writableLength
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    expect(running.batches).toHaveLength(1)
    expect(socket.writableLength).toBeGreaterThan(32 * 1024 * 1024)
    release()
    expect(await ended).toBe('end')
    expect(running.records).toHaveLength(blocks * 1024)
  })

  it('keeps the order of a connection while the runtime is slow', async () => {
    const running = await start({}, async records => {
      await new Promise(resolve => setTimeout(resolve, 5))
      await publishAtOnce(records)
    })
    const socket = await client(running.port)
    const lines = Array.from({ length: 100_000 }, (_, i) => String(i))
    socket.end(lines.join('\n'))
    expect(await ending(socket)).toBe('end')
    expect(running.batches.length).toBeGreaterThan(1)
    expect(running.texts()).toEqual(lines)
  })

  it.each([
    ['lines', 'short\nmuch too long\nnever\n', 'short'],
    ['lines', 'short\nmuch too long without an end', 'short'],
    ['length', Buffer.from('\0\0\0\x05short\0\0\0\x09too long!'), 'short'],
  ])('resets a connection with a record that is too long: %s', async (framing, bytes, kept) => {
    const running = await start({ framing, maxFrameBytes: 8 })
    const socket = await client(running.port)
    socket.write(bytes)
    expect(await ending(socket)).toBe('reset')
    expect(running.texts()).toEqual([kept])
    expect(running.context.logger.messages('warn')[0]).toMatch(/record too long: .*maxFrameBytes, 8 bytes/)
    expect(running.metric('netty_failed_connections')).toBe(1)
  })

  it('resets a connection that ends within a length-prefixed frame', async () => {
    const running = await start({ framing: 'length' })
    const socket = await client(running.port)
    socket.end(Buffer.from([0, 0, 0, 9, 1]))
    expect(await ending(socket)).toBe('reset')
    expect(running.context.logger.messages('warn')[0]).toContain('5 bytes into a frame')
  })

  it('bounds the incomplete records of all connections together', async () => {
    const running = await start({ maxBufferedBytes: 1024 })
    const first = await client(running.port)
    first.write('a'.repeat(1000))
    await new Promise(resolve => setTimeout(resolve, 50))
    const second = await client(running.port)
    second.write('b'.repeat(1000))
    expect(await ending(second)).toBe('reset')
    // Whoever is done gives back what it held, also one that breaks off.
    first.end('\n')
    expect(await ending(first)).toBe('end')
    const third = await client(running.port)
    third.write('c'.repeat(1000))
    await new Promise(resolve => setTimeout(resolve, 50))
    third.resetAndDestroy()
    await until(() => expect(running.metric('netty_failed_connections')).toBe(2))
    const fourth = await client(running.port)
    fourth.write('d'.repeat(1000))
    await new Promise(resolve => setTimeout(resolve, 50))
    fourth.end('\n')
    expect(await ending(fourth)).toBe('end')
    expect(running.texts()).toEqual(['a'.repeat(1000), 'd'.repeat(1000)])
  })

  it('resets a connection that is idle', async () => {
    const running = await start({ idleTimeout: 50 })
    const socket = await client(running.port)
    socket.write('incompl')
    expect(await ending(socket)).toBe('reset')
    expect(running.context.logger.messages('warn')[0]).toContain('idle')
  })

  it('closes connections beyond maxConnections', async () => {
    const running = await start({ maxConnections: 1 })
    const first = await client(running.port)
    const second = await client(running.port)
    await ending(second)
    first.end('still here\n')
    expect(await ending(first)).toBe('end')
    expect(running.texts()).toEqual(['still here'])
    expect(running.metric('netty_refused_connections')).toBe(1)
  })

  it('hands on JSON values, and drops lines that are none', async () => {
    const running = await start({ schemaType: 'json', remoteAddressProperty: 'remote' })
    const socket = await client(running.port)
    socket.end('{"a":1}\n\nnonsense\n[2]\n')
    expect(await ending(socket)).toBe('end')
    expect(running.records.map(record => record.value)).toEqual([{ a: 1 }, [2]])
    expect(running.records[0]?.properties).toEqual({ remote: '127.0.0.1' })
    expect(running.metric('netty_refused_records')).toBe(1)
    expect(running.context.logger.messages('warn')[0]).toContain('not JSON')
  })

  it('publishes what it took before it closes, and resets clients that were not done', async () => {
    const waiting: SourceRecord[] = []
    const running = await start({}, async records => void waiting.push(...records))
    const done = await client(running.port)
    const undone = await client(running.port)
    done.end('one\n')
    undone.write('two\n')
    await until(() => expect(waiting).toHaveLength(2))
    const endings = Promise.all([ending(done), ending(undone)])
    const closing = running.source.close()
    for (const record of waiting) await record.ack?.()
    await closing
    expect(await endings).toEqual(['end', 'reset'])
    await expect(client(running.port)).rejects.toThrow('ECONNREFUSED')
  })

  it('does not wait longer than closeTimeout', async () => {
    const running = await start({ closeTimeout: '50ms' }, () => new Promise(() => undefined))
    const socket = await client(running.port)
    socket.write('one\n')
    await until(() => expect(running.records).toHaveLength(1))
    const ended = ending(socket)
    await running.source.close()
    expect(await ended).toBe('reset')
  })

  it('resets connections when the runtime takes nothing more', async () => {
    const running = await start({}, () => Promise.reject(new Error('stopping')))
    const socket = await client(running.port)
    socket.write('one\n')
    expect(await ending(socket)).toBe('reset')
  })
})
