import { ConfigProblems } from './config/config-problems.ts'

/** Bytes of a line at most: what Pulsar takes as a message by default. */
const MAX_LINE_BYTES = 5 * 1024 * 1024

const NEWLINE = 10
const RETURN = 13

/**
 * Lines of a stream, as many as a chunk completes at a time; the line end, `\n` or `\r\n`, is taken off.
 * Throws ConfigProblems that name `place` and the line which is too long.
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  place: string,
): AsyncGenerator<readonly Uint8Array[]> {
  let rest: Uint8Array[] = []
  let restBytes = 0
  let line = 0
  for await (const chunk of chunks) {
    const lines: Uint8Array[] = []
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      line++
      const piece = chunk.subarray(start, end)
      lines.push(withoutReturn(rest.length === 0 ? piece : Buffer.concat([...rest, piece])))
      rest = []
      restBytes = 0
      start = end + 1
    }
    if (start < chunk.length) {
      rest.push(chunk.subarray(start))
      restBytes += chunk.length - start
    }
    if (lines.length > 0) yield lines
    if (restBytes > MAX_LINE_BYTES) {
      const message = 'longer than the 5 MiB that a record may have; nothing from this line on was published'
      throw new ConfigProblems([{ path: `${place}:${line + 1}`, message }], [], 'PIO_LINE_TOO_LONG')
    }
  }
  // The last line may come without its newline.
  if (rest.length > 0) yield [withoutReturn(Buffer.concat(rest))]
}

function withoutReturn(line: Uint8Array): Uint8Array {
  return line[line.length - 1] === RETURN ? line.subarray(0, -1) : line
}
