import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameReader } from '../../src/wire/frame-reader.ts'

const frame = (bytes: Uint8Array) => {
  const size = Buffer.alloc(4)
  size.writeUInt32BE(bytes.length)
  return Buffer.concat([size, bytes])
}

/** Cuts a stream at these places and feeds the pieces, half of them through the reader's own room. */
function feed(stream: Buffer, cuts: readonly number[], reader: FrameReader): void {
  let from = 0
  for (const to of [...cuts.map(cut => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length]) {
    let piece = stream.subarray(from, to)
    if (piece.length % 2 === 0) reader.push(piece)
    else {
      while (piece.length > 0) {
        const room = reader.room()
        const count = piece.copy(room)
        piece = piece.subarray(count)
        reader.filled(count)
      }
    }
    from = to
  }
}

describe('frame reader', () => {
  it('gives back the frames however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 40 }),
        fc.array(fc.nat(), { maxLength: 30 }),
        (bodies, cuts) => {
          const got: string[] = []
          const reader = new FrameReader((buffer, start, end) => got.push(buffer.toString('hex', start, end)), 1000)
          feed(Buffer.concat(bodies.map(frame)), cuts, reader)
          expect(got).toEqual(bodies.map(body => Buffer.from(body).toString('hex')))
        },
      ),
    )
  })

  it('leaves what it handed out alone, over many slabs and frames larger than one', () => {
    const bodies = Array.from({ length: 40 }, (_, i) => Buffer.alloc(i % 7 === 0 ? 3_000_000 : 200_000, i))
    const got: Buffer[] = []
    const reader = new FrameReader((buffer, start, end) => got.push(buffer.subarray(start, end)), 4_000_000)
    for (const body of bodies) {
      const stream = frame(body)
      for (let from = 0; from < stream.length; from += 70_000) reader.push(stream.subarray(from, from + 70_000))
    }
    expect(got.map(body => [body.length, body[0], body.at(-1)])).toEqual(
      bodies.map(body => [body.length, body[0], body.at(-1)]),
    )
  })

  it('refuses a frame that is too large', () => {
    const reader = new FrameReader(() => undefined, 100)
    expect(() => reader.push(frame(Buffer.alloc(101)))).toThrow(/limit is 100/)
  })
})
