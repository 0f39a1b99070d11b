import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Connection } from '../../src/connection/connection.ts'

/** A connection over a socket that counts what it is given. */
async function counted() {
  const counts = { writes: 0, bytes: 0 }
  const count = (chunks: readonly Uint8Array[]) => {
    counts.writes += 1
    for (const { length } of chunks) counts.bytes += length
  }
  const socket = new Duplex({
    read: () => undefined,
    write: (chunk: Uint8Array, _, done) => {
      count([chunk])
      done()
    },
    writev: (chunks, done) => {
      count(chunks.map(({ chunk }) => chunk as Uint8Array))
      done()
    },
  })
  const connection = new Connection({
    broker: 'broker:6650',
    proxyTo: undefined,
    authentication: undefined,
    requestTimeoutMs: 1_000,
    keepAliveMs: 1_000,
    clientVersion: 'test',
    report: () => undefined,
  })
  const starting = connection.start(socket as unknown as Socket)
  onTestFinished(async () => {
    connection.fail(new Error('the test is over'))
    // Nobody answers the handshake.
    await expect(starting).rejects.toThrow('the test is over')
  })
  await turn()
  counts.writes = 0
  counts.bytes = 0
  return { connection, counts }
}

describe('frames that are written in one turn', () => {
  it('go out together behind it', async () => {
    const { connection, counts } = await counted()
    for (let i = 0; i < 100; i += 1) connection.write(new Uint8Array(100))
    expect(counts).toEqual({ writes: 0, bytes: 0 })
    await turn()
    expect(counts).toEqual({ writes: 1, bytes: 10_000 })
  })

  it('do not wait for its end when they are much, for it may be far', async () => {
    const { connection, counts } = await counted()
    for (let i = 0; i < 100; i += 1) {
      connection.write(new Uint8Array(10_000))
      // Ends no turn: timers and sockets wait behind whatever goes on like this.
      await Promise.resolve()
    }
    expect(counts.bytes).toBeGreaterThan(700_000)
    expect(counts.writes).toBeLessThan(6)
    await turn()
    expect(counts.bytes).toBe(1_000_000)
  })
})
