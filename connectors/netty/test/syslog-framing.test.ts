import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FramingError } from '../src/framing.ts'
import { SyslogDecoder } from '../src/syslog-framing.ts'

const MAX = 40

function decode(chunks: readonly Buffer[]): { frames: string[]; error: string | undefined } {
  const decoder = new SyslogDecoder(MAX)
  const frames: Buffer[] = []
  let error: string | undefined
  try {
    for (const chunk of chunks) decoder.push(chunk, frames)
    decoder.end(frames)
    expect(decoder.buffered).toBe(0)
  } catch (thrown) {
    if (!(thrown instanceof FramingError)) throw thrown
    error = thrown.reason
  }
  return { frames: frames.map(frame => frame.toString('latin1')), error }
}

const whole = (text: string) => decode([Buffer.from(text, 'latin1')])

/** Every byte in a piece of its own. */
const inBytes = (text: string) => decode(Array.from(Buffer.from(text, 'latin1'), byte => Buffer.from([byte])))

describe('SyslogDecoder', () => {
  it.each([
    ['octet counting', '8 <34>1 ab5 <1>cd', ['<34>1 ab', '<1>cd']],
    ['counted messages that hold line ends', '9 <34>a\nb\r\n', ['<34>a\nb\r\n']],
    ['lines', '<34>a\n<35>b\r\n<36>c', ['<34>a', '<35>b', '<36>c']],
    ['both in one stream', '5 <34>a<35>b\n5 <36>c', ['<34>a', '<35>b', '<36>c']],
    ['what senders put between messages', '5 <34>a\n5 <35>b\r\n\0<36>c\n\n', ['<34>a', '<35>b', '<36>c']],
    ['a line that does not begin as syslog does', 'plain\n', ['plain']],
    ['nothing', '', []],
  ])('takes %s', (_, text, frames) => {
    expect(whole(text)).toEqual({ frames, error: undefined })
    expect(inBytes(text)).toEqual({ frames, error: undefined })
  })

  it.each([
    ['within a counted message', '5 <34>a9 <34', ['<34>a'], 'truncated'],
    ['within a number', '5 <34>a9', ['<34>a'], 'truncated'],
    ['a number above the bound', '5 <34>a41 <', ['<34>a'], 'too long'],
    ['a number without end', '5 <34>a9999999999999999', ['<34>a'], 'too long'],
    ['a number and no space', '5 <34>a5<34>b', ['<34>a'], 'malformed'],
    ['a line above the bound', `<34>a\n<${'x'.repeat(MAX)}\n<`, ['<34>a'], 'too long'],
    ['a line above the bound without end', `<34>a\n<${'x'.repeat(MAX + 1)}`, ['<34>a'], 'too long'],
  ])('keeps what came before %s', (_, text, frames, error) => {
    expect(whole(text)).toEqual({ frames, error })
    expect(inBytes(text)).toEqual({ frames, error })
  })

  it('takes a line of the longest length, also with CRLF', () => {
    const line = `<${'x'.repeat(MAX - 1)}`
    expect(whole(`${line}\n`)).toEqual({ frames: [line], error: undefined })
    expect(inBytes(`${line}\r\n`)).toEqual({ frames: [line], error: undefined })
  })

  it('finds the same messages however the stream is cut', () => {
    const message = fc.string({ unit: fc.constantFrom('a', '<', '9', ' ', '\n', '\r', '\xe9'), maxLength: MAX - 1 })
    const framed = fc.tuple(message, fc.boolean()).map(([text, counted]) => {
      if (counted) return { text: `<${text}`, bytes: `${text.length + 1} <${text}` }
      const line = `<${text.replace(/[\r\n]/g, '')}`
      return { text: line, bytes: `${line}\n` }
    })
    fc.assert(
      fc.property(fc.array(framed, { maxLength: 12 }), fc.array(fc.nat(500), { maxLength: 30 }), (messages, places) => {
        const bytes = Buffer.from(messages.map(each => each.bytes).join(''), 'latin1')
        const cuts = [...new Set([0, ...places.map(place => place % (bytes.length + 1)), bytes.length])]
        const at = cuts.sort((a, b) => a - b)
        const chunks = at.slice(1).map((end, i) => Buffer.from(bytes.subarray(at[i], end)))
        expect(decode(chunks)).toEqual({ frames: messages.map(each => each.text), error: undefined })
      }),
      { numRuns: 2000 },
    )
  })

  it('takes no memory for bytes that were only announced, and counts the number as begun', () => {
    const decoder = new SyslogDecoder(2 ** 30)
    decoder.push(Buffer.from('1000000 '), [])
    expect(decoder.buffered).toBe(7)
  })
})
