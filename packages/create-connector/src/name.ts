/** npm's bound on the length of a package's name, less what comes before ours. */
const MAX_LENGTH = 214 - '@pulsar-io/connector-'.length

/** Names that would be confusing as a folder, a package or an archive. */
const RESERVED: ReadonlySet<string> = new Set(['sink', 'source', 'connector', 'connectors', 'node-modules', 'test'])

/** Why a connector cannot have this name, and which one would do; undefined when it can. */
export function nameProblem(name: string, taken: readonly string[] = []): string | undefined {
  const shown = JSON.stringify(name)
  if (name === '') return 'the name is empty; take one in small letters, digits and dashes, for example redis-stream'
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) {
    const better = kebab(name)
    const hint = better === '' ? 'for example redis-stream' : `for example ${better}`
    return `${shown} has to be words of small letters and digits with dashes between, ${hint}`
  }
  if (name.length > MAX_LENGTH) return `the name has ${name.length} characters; npm takes ${MAX_LENGTH} at most`
  if (RESERVED.has(name)) return `${shown} says nothing of the system; take its name, for example redis-stream`
  if (name.startsWith('connector-') || name.endsWith('-connector'))
    return `${shown} says twice that it is a connector; take ${name.replace(/^connector-|-connector$/g, '')}`
  if (taken.includes(name)) return `there is a connector ${name} already; take another name, or change that one`
  return undefined
}

/** The same in small letters with dashes; empty when nothing is left. */
function kebab(text: string): string {
  return text
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '')
}

/** `redis-stream` as `RedisStream`. */
export function pascal(name: string): string {
  return name.replaceAll(/(^|-)([a-z0-9])/g, (_, _dash, letter: string) => letter.toUpperCase())
}

/** `redis-stream` as `Redis stream`. */
export function title(name: string): string {
  const words = name.replaceAll('-', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** `redis-stream` as `REDIS_STREAM`. */
export function constant(name: string): string {
  return name.replaceAll('-', '_').toUpperCase()
}
