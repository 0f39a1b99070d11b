import type { LogLine } from '@pulsar-io/engine'

/** A log line and its number, which grows from line to line. */
export interface NumberedLine extends LogLine {
  readonly seq: number
}

/** Lines and characters that are kept of one instance. */
const MAX_LINES = 1_000
const MAX_CHARACTERS = 256 * 1024

/** The latest log lines of one instance. */
export class LogTail {
  #lines: { readonly line: NumberedLine; readonly size: number }[] = []
  #size = 0
  #next = 1

  add(line: LogLine): void {
    const size = line.message.length + JSON.stringify(line.fields ?? {}, plain).length
    this.#lines.push({ line: { seq: this.#next++, ...line }, size })
    this.#size += size
    while (this.#lines.length > MAX_LINES || (this.#size > MAX_CHARACTERS && this.#lines.length > 1)) {
      this.#size -= this.#lines.shift()?.size ?? 0
    }
  }

  /** The lines behind a number, at most so many, the latest where there are more. */
  since(seq: number, limit: number): readonly NumberedLine[] {
    return this.#lines
      .map(({ line }) => line)
      .filter(line => line.seq > seq)
      .slice(-limit)
  }
}

function plain(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}
