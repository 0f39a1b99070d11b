import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Acks } from '../src/acks.ts'
import type { Consumption } from '../src/port.ts'

/** A server that knows what is out, and refuses what a real one refuses. */
class Server implements Consumption {
  readonly out = new Set<number>()
  readonly acked = new Set<number>()
  readonly requeued = new Set<number>()
  frames = 0

  ack(tag: number, multiple: boolean): void {
    this.frames++
    // PRECONDITION_FAILED - unknown delivery tag
    if (!this.out.has(tag)) throw new Error(`unknown delivery tag ${tag}`)
    for (const one of [...this.out])
      if (multiple ? one <= tag : one === tag) {
        this.out.delete(one)
        this.acked.add(one)
      }
  }

  requeue(tag: number): void {
    if (!this.out.delete(tag)) throw new Error(`unknown delivery tag ${tag}`)
    this.requeued.add(tag)
  }

  async close(): Promise<void> {
    this.out.clear()
  }
}

describe('acknowledgements', () => {
  it('tell the server of exactly what is settled, in whatever order and portions', () => {
    const step = fc.record({
      deliver: fc.nat({ max: 5 }),
      settle: fc.array(fc.record({ at: fc.nat(), requeue: fc.boolean() }), { maxLength: 5 }),
      flush: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), steps => {
        const server = new Server()
        const acks = new Acks(() => server)
        const waiting: number[] = []
        const acked = new Set<number>()
        const requeued = new Set<number>()
        let next = 1
        for (const { deliver, settle, flush } of steps) {
          for (let i = 0; i < deliver; i++) {
            server.out.add(next)
            acks.delivered(next)
            waiting.push(next++)
          }
          for (const { at, requeue } of settle) {
            const [tag] = waiting.length > 0 ? waiting.splice(at % waiting.length, 1) : []
            if (tag === undefined) continue
            if (requeue) acks.requeue(tag)
            else acks.ack(tag)
            ;(requeue ? requeued : acked).add(tag)
          }
          expect(acks.unsettled).toBe(waiting.length)
          if (flush) acks.flush()
        }
        acks.flush()
        expect(server.acked).toEqual(acked)
        expect(server.requeued).toEqual(requeued)
        expect(server.out).toEqual(new Set(waiting))
      }),
    )
  })

  it('take one frame for a run, and are told once', async () => {
    const server = new Server()
    const acks = new Acks(() => server)
    for (let tag = 1; tag <= 1000; tag++) {
      server.out.add(tag)
      acks.delivered(tag)
    }
    for (let tag = 1000; tag >= 1; tag--) acks.ack(tag)
    acks.ack(7)
    acks.requeue(8)
    await new Promise(resolve => setImmediate(resolve))
    expect(server.frames).toBe(1)
    expect(server.acked.size).toBe(1000)
    acks.flush()
    expect(server.frames).toBe(1)
  })
})
