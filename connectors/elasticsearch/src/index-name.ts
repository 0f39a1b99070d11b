/**
 * Names of indices: what a server accepts, and names that carry a date.
 * Rules: https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-indices-create
 */

const MAX_BYTES = 255
const FORBIDDEN = /[\\/*?"<>| ,#:\p{Cc}]/u

/** What keeps a text from being the name of an index, or undefined. */
export function indexNameProblem(name: string): string | undefined {
  if (name === '') return 'must not be empty'
  if (name === '.' || name === '..') return `must not be "${name}"`
  if (/^[-_+]/.test(name)) return `must not start with -, _ or +, got ${JSON.stringify(name)}`
  if (name !== name.toLowerCase()) return `must be lower case; use ${JSON.stringify(name.toLowerCase())}`
  const bad = FORBIDDEN.exec(name)
  if (bad) return `must not contain ${JSON.stringify(bad[0])}, got ${JSON.stringify(name)}`
  const bytes = Buffer.byteLength(name)
  if (bytes > MAX_BYTES) return `must be at most ${MAX_BYTES} bytes, is ${bytes}`
  return undefined
}

/** The last part of a topic's name, in lower case: `persistent://public/default/Orders` gives `orders`. */
export function indexNameOfTopic(topic: string): string {
  return topic.slice(topic.lastIndexOf('/') + 1).toLowerCase()
}

/** Makes a name for a moment in milliseconds since 1970. */
export type IndexNamer = (time: number) => string

/** A name as configured. */
export interface NamePattern {
  /** False: the name is the same at any time. */
  readonly dated: boolean
  readonly nameAt: IndexNamer
}

type Part = string | ((date: Date) => string)

const pad = (value: number, width: number): string => String(value).padStart(width, '0')

const LETTERS: { readonly [letter: string]: (date: Date, width: number) => string } = {
  y: (date, width) => (width === 2 ? pad(date.getUTCFullYear() % 100, 2) : pad(date.getUTCFullYear(), width)),
  M: (date, width) => pad(date.getUTCMonth() + 1, width),
  d: (date, width) => pad(date.getUTCDate(), width),
  H: (date, width) => pad(date.getUTCHours(), width),
  m: (date, width) => pad(date.getUTCMinutes(), width),
  s: (date, width) => pad(date.getUTCSeconds(), width),
}

/** Reads a configured name such as `logs-%{+yyyy-MM-dd}`. Throws a RangeError that says what is wrong with it. */
export function parseNamePattern(text: string): NamePattern {
  const parts: Part[] = []
  let rest = text
  for (;;) {
    const start = rest.indexOf('%{')
    if (start < 0) break
    const end = rest.indexOf('}', start)
    if (end < 0 || rest[start + 2] !== '+')
      throw new RangeError(`expected %{+…} such as %{+yyyy-MM-dd}, got ${JSON.stringify(rest.slice(start))}`)
    parts.push(rest.slice(0, start), ...parseDate(rest.slice(start + 3, end)))
    rest = rest.slice(end + 1)
  }
  parts.push(rest)
  const dated = parts.some(part => typeof part !== 'string')
  const nameAt = (time: number): string => {
    const date = new Date(time)
    return parts.map(part => (typeof part === 'string' ? part : part(date))).join('')
  }
  // Every moment gives a name of the same characters, so that one stands for all.
  const problem = indexNameProblem(nameAt(0))
  if (problem) throw new RangeError(problem)
  return { dated, nameAt: dated ? perSecond(nameAt) : () => text }
}

/** Records come in the order of their times, more or less: the last second's name mostly fits the next record, too. */
function perSecond(nameAt: IndexNamer): IndexNamer {
  let second = Number.NaN
  let name = ''
  return time => {
    const now = Math.floor(time / 1000)
    if (now !== second) {
      name = nameAt(time)
      second = now
    }
    return name
  }
}

function parseDate(format: string): Part[] {
  const parts: Part[] = []
  for (const [run] of format.matchAll(/([A-Za-z])\1*|[^A-Za-z]+/g)) {
    if (!/^[A-Za-z]/.test(run)) {
      parts.push(run)
      continue
    }
    const letter = run === 'uuuu' ? 'y' : (run[0] ?? '')
    const write = LETTERS[letter]
    if (!write)
      throw new RangeError(`${JSON.stringify(run)} is no part of a date; known are yyyy, yy, MM, dd, HH, mm and ss`)
    parts.push(date => write(date, run.length))
  }
  return parts
}
