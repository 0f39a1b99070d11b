import { createSocket } from 'node:dgram'
import { describe, expect, it } from 'vitest'
import { publishAtOnce, type Running, start, until } from './harness.ts'

async function send(running: Running, texts: readonly (string | Buffer)[]): Promise<void> {
  const socket = createSocket('udp4')
  for (const text of texts) {
    await new Promise<void>((resolve, reject) =>
      socket.send(text, running.port, '127.0.0.1', error => (error ? reject(error) : resolve())),
    )
  }
  await new Promise<void>(resolve => socket.close(() => resolve()))
}

describe('udp', () => {
  it('takes each datagram as a record', async () => {
    const running = await start({ type: 'UDP', remoteAddressProperty: 'remote' })
    await send(running, ['one\ntwo', 'three', ''])
    await until(() => expect(running.records).toHaveLength(3))
    expect(running.texts()).toEqual(['one\ntwo', 'three', ''])
    expect(running.records[0]?.properties).toEqual({ remote: '127.0.0.1' })
  })

  it.each([
    ['maxQueuedDatagrams', { maxQueuedDatagrams: 3 }, ['1', '2', '3', '4', '5', '6']],
    ['maxBufferedBytes', { maxBufferedBytes: 1200 }, ['1', '2', '3', '4', '5', '6']],
  ])('drops what does not fit into %s, and counts it', async (option, config, texts) => {
    let release = (): void => undefined
    const gate = new Promise<void>(resolve => {
      release = resolve
    })
    const running = await start({ type: 'udp', ...config }, () => gate)
    await send(running, ['0'])
    await until(() => expect(running.records).toHaveLength(1))
    await send(running, texts)
    await until(() => expect(running.metric('netty_dropped_datagrams')).toBe(3))
    const warnings = running.context.logger.messages('warn')
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain(option)
    release()
    await until(() => expect(running.texts()).toEqual(['0', '1', '2', '3']))
    // There is room again.
    await send(running, ['7'])
    await until(() => expect(running.texts().at(-1)).toBe('7'))
    await running.source.close()
    expect(running.context.logger.messages('warn').at(-1)).toContain('2 more')
  })

  it('publishes what is queued before it closes', async () => {
    let release = (): void => undefined
    const gate = new Promise<void>(resolve => {
      release = resolve
    })
    const running = await start({ type: 'udp' }, async records => {
      await gate
      await publishAtOnce(records)
    })
    await send(running, ['0'])
    await until(() => expect(running.records).toHaveLength(1))
    await send(running, ['1', '2'])
    await new Promise(resolve => setTimeout(resolve, 50))
    const closing = running.source.close()
    release()
    await closing
    expect(running.texts()).toEqual(['0', '1', '2'])
    expect(running.metric('netty_dropped_datagrams')).toBe(0)
  })

  it('counts what is left when it may not wait any longer', async () => {
    const running = await start({ type: 'udp', closeTimeout: 50 }, () => new Promise(() => undefined))
    await send(running, ['0'])
    await until(() => expect(running.records).toHaveLength(1))
    await send(running, ['1', '2'])
    await new Promise(resolve => setTimeout(resolve, 50))
    await running.source.close()
    expect(running.metric('netty_dropped_datagrams')).toBe(2)
  })

  it('drops datagrams that do not fit the schema', async () => {
    const running = await start({ type: 'udp', schemaType: 'json' })
    await send(running, ['{', '{}'])
    await until(() => expect(running.records).toHaveLength(1))
    expect(running.metric('netty_refused_records')).toBe(1)
  })

  it('says when the system grants a smaller receive buffer than asked for', async () => {
    const running = await start({ type: 'udp', receiveBufferBytes: '1GB' })
    expect(running.context.logger.messages('warn')[0]).toMatch(/grants \d+ of 1000000000 bytes/)
  })
})
