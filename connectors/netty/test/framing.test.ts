import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type FrameDecoder, FramingError, LengthDecoder, LineDecoder } from '../src/framing.ts'

const MAX = 12

interface Outcome {
  readonly frames: readonly string[]
  readonly error: string | undefined
}

function decode(decoder: FrameDecoder, chunks: readonly Buffer[]): Outcome {
  const frames: Buffer[] = []
  let error: string | undefined
  try {
    for (const chunk of chunks) decoder.push(chunk, frames)
    decoder.end(frames)
  } catch (thrown) {
    if (!(thrown instanceof FramingError)) throw thrown
    error = thrown.reason
  }
  return { frames: frames.map(frame => frame.toString('latin1')), error }
}

/** Cuts bytes at the given places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set([0, ...places.map(place => place % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b)
  // Copies, so that nothing is found by reading beyond a chunk.
  return at.slice(1).map((end, i) => Buffer.from(bytes.subarray(at[i], end)))
}

/** What the lines of a text are, said in another way. */
function expectedLines(text: string): Outcome {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  const stripped = lines.map(line => line.replace(/\r$/, ''))
  const bad = stripped.findIndex(line => line.length > MAX)
  return bad < 0 ? { frames: stripped, error: undefined } : { frames: stripped.slice(0, bad), error: 'too long' }
}

const lineText = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom('a', 'b', '\xe9') },
      fc.constantFrom('\n', '\r', '\r\n', 'x'.repeat(MAX), 'y'.repeat(MAX + 1)),
    ),
    { maxLength: 40 },
  )
  .map(parts => parts.join(''))

const places = fc.array(fc.nat(200), { maxLength: 30 })

describe('LineDecoder', () => {
  it('finds the same lines however the stream is cut', () => {
    fc.assert(
      fc.property(lineText, places, (text, at) => {
        const chunks = cut(Buffer.from(text, 'latin1'), at)
        expect(decode(new LineDecoder(MAX), chunks)).toEqual(expectedLines(text))
      }),
      { numRuns: 2000 },
    )
  })

  it('never holds more than a line and its CR', () => {
    const decoder = new LineDecoder(MAX)
    const push = () => {
      for (let i = 0; i < 100; i++) decoder.push(Buffer.from('abc'), [])
    }
    expect(push).toThrow(FramingError)
    expect(decoder.buffered).toBeLessThanOrEqual(MAX + 1)
  })
})

describe('LengthDecoder', () => {
  it.each([1, 2, 4])('finds the same frames however the stream is cut, with a length of %i bytes', lengthBytes => {
    const frames = fc.array(fc.uint8Array({ maxLength: MAX + 2 }), { maxLength: 10 })
    fc.assert(
      fc.property(frames, fc.nat(3), places, (values, missing, at) => {
        const stream = Buffer.concat(
          values.flatMap(value => {
            const header = Buffer.alloc(lengthBytes)
            header.writeUIntBE(value.length, 0, lengthBytes)
            return [header, Buffer.from(value)]
          }),
        )
        const bytes = stream.subarray(0, stream.length - Math.min(missing, stream.length))
        const bad = values.findIndex(value => value.length > MAX)
        const whole = decode(new LengthDecoder(lengthBytes, MAX), [bytes])
        expect(decode(new LengthDecoder(lengthBytes, MAX), cut(bytes, at))).toEqual(whole)
        if (missing === 0 || stream.length === 0) {
          const good = bad < 0 ? values : values.slice(0, bad)
          expect(whole).toEqual({
            frames: good.map(value => Buffer.from(value).toString('latin1')),
            error: bad < 0 ? undefined : 'too long',
          })
        } else if (bad < 0) expect(whole.error === 'truncated' || missing >= lengthBytes).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  it('takes no memory for bytes that were only announced', () => {
    const decoder = new LengthDecoder(4, 2 ** 30)
    decoder.push(Buffer.from([0x3f, 0xff, 0xff, 0xff, 1]), [])
    expect(decoder.buffered).toBe(5)
  })
})
