import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SingleWorker } from '../src/single-worker.ts'
import { call, eventually, Place } from './support.ts'

const SINKS = 10

let place: Place

beforeEach(() => {
  place = new Place()
})
afterEach(() => place.close())

const said = (message: string) => place.logs.filter(line => line.message === message)

describe('a worker that is stopped while it starts its instances', () => {
  it('begins no more of them, and ends those that open in good order', async () => {
    const first = await place.worker()
    for (let i = 0; i < SINKS; i += 1) {
      const path = `/admin/v3/sinks/public/default/s${i}`
      expect((await call(first, 'POST', path, place.sink({ inputs: [`in${i}`] }))).status).toBe(204)
    }
    await first.close()
    place.logs.length = 0
    // One at a time, in threads as they really are: when one has opened, the next is about to.
    const begun: string[] = []
    class Counting extends SingleWorker {
      override take(key: string): boolean {
        begun.push(key)
        return super.take(key)
      }
    }
    const again = await place.worker({
      isolation: 'thread',
      maxOpening: 1,
      coordinate: async info => new Counting(info),
    })
    await eventually(() => said('running').length > 0, 'the first runs')
    const before = begun.length
    await again.close()
    expect(before).toBeLessThan(SINKS)
    expect(begun.slice(before)).toEqual([])
    expect(place.logs.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([])
  })
})
