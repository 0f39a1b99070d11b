/** Something that takes text, as stdout does. */
export interface Output {
  /** Resolves when there is room for more. */
  write(text: string | Uint8Array): Promise<void>
}

/** The output, with backpressure. */
export function outputTo(stream: NodeJS.WriteStream): Output {
  return {
    write: text =>
      stream.write(text)
        ? Promise.resolve()
        : new Promise(resolve => {
            const done = () => {
              stream.off('drain', done)
              stream.off('close', done)
              resolve()
            }
            stream.on('drain', done)
            stream.on('close', done)
          }),
  }
}

/** `json` when it was asked for or when nobody looks at a terminal, else `table`. */
export function outputFormat(asked: string | undefined, stream: { readonly isTTY?: boolean }): 'json' | 'table' {
  return asked === 'json' || (asked === undefined && !stream.isTTY) ? 'json' : 'table'
}

/** Columns of text, the last one as wide as it likes. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows]
  const widths = header.map((_, i) => Math.max(...all.map(row => (row[i] ?? '').length)))
  return all
    .map(row =>
      row
        .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .map(line => `${line}\n`)
    .join('')
}

/** JSON for people and programs. */
export function json(value: unknown): string {
  return `${JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? part.toString() : part), 2)}\n`
}
