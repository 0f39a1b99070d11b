const NEWLINE = 10
const RETURN = 13
const QUOTE = 34

/** Finds where the record that begins at `from` ends: the index behind its newline, or -1 when it is not complete. */
export type Splitter = (buffer: Buffer, from: number, to: number) => number

/** A record is a line. */
export const splitLines: Splitter = (buffer, from, to) => {
  const newline = buffer.indexOf(NEWLINE, from)
  return newline < 0 || newline >= to ? -1 : newline + 1
}

/**
 * A record is a row of RFC 4180: newlines inside a quoted field belong to it. A quote opens a field only as its first
 * character, so that a stray quote spoils its own row and not all rows up to the next quote.
 */
export function csvSplitter(delimiter: string): Splitter {
  const comma = delimiter.charCodeAt(0)
  // Most rows hold no quote: knowing where the next one stands saves the walk through every byte of them.
  let known: Buffer | undefined
  let searchedFrom = 0
  let searchedTo = 0
  let nextQuote = -1

  const quoteWithin = (buffer: Buffer, from: number, to: number, limit: number): boolean => {
    const current = known === buffer && searchedTo === limit && from >= searchedFrom
    if (!current || (nextQuote >= 0 && nextQuote < from)) {
      known = buffer
      searchedFrom = from
      searchedTo = limit
      nextQuote = buffer.indexOf(QUOTE, from)
    }
    return nextQuote >= 0 && nextQuote < to
  }

  return (buffer, from, to) => {
    const end = splitLines(buffer, from, to)
    if (!quoteWithin(buffer, from, end < 0 ? to : end, to)) return end
    return walk(buffer, from, to, comma)
  }
}

function walk(buffer: Buffer, from: number, to: number, comma: number): number {
  let at = from
  while (at < to) {
    if (buffer[at] === QUOTE) {
      at = closingQuote(buffer, at + 1, to)
      if (at < 0) return -1
    }
    while (at < to && buffer[at] !== comma && buffer[at] !== NEWLINE) at++
    if (at >= to) return -1
    if (buffer[at] === NEWLINE) return at + 1
    at++
  }
  return -1
}

/** The index behind the quote that closes a field; a doubled quote is a character of the field. */
function closingQuote(buffer: Buffer, from: number, to: number): number {
  let at = from
  for (;;) {
    const quote = buffer.indexOf(QUOTE, at)
    if (quote < 0 || quote >= to) return -1
    if (buffer[quote + 1] !== QUOTE) return quote + 1
    at = quote + 2
  }
}

/** The end of the record's text: `end` without its `\n` or `\r\n`. */
export function contentEnd(buffer: Buffer, from: number, end: number): number {
  if (end === from || buffer[end - 1] !== NEWLINE) return end
  return end - 1 > from && buffer[end - 2] === RETURN ? end - 2 : end - 1
}

/** How many lines end between `from` and `to`. */
export function countNewlines(buffer: Buffer, from: number, to: number): number {
  let count = 0
  for (let at = buffer.indexOf(NEWLINE, from); at >= 0 && at < to; at = buffer.indexOf(NEWLINE, at + 1)) count++
  return count
}

/** 3 where a UTF-8 byte order mark stands at `from`, else 0. */
export function bomLength(buffer: Buffer, from: number, encoding: 'utf-8' | 'latin1'): number {
  const mark = buffer[from] === 0xef && buffer[from + 1] === 0xbb && buffer[from + 2] === 0xbf
  return mark && encoding === 'utf-8' ? 3 : 0
}
