/** A server to try. */
export interface Host {
  readonly host: string
  readonly port: number
}

/** Where a URL leads. Anything it does not say is empty. */
export interface Address {
  readonly hosts: readonly Host[]
  readonly database: string
  readonly user: string
  readonly password: string
  /** Parameters behind the question mark, by their names. */
  readonly parameters: ReadonlyMap<string, string>
}

const DEFAULT_PORT = 5432

/**
 * Reads `postgresql://user:password@host1:5432,host2/database?name=value`, also with `jdbc:` before it.
 * Node's URL does not know several hosts. Throws a RangeError that says what is wrong, without repeating the address,
 * which may hold a password.
 */
export function parseAddress(text: string): Address {
  const match = /^(?:jdbc:)?postgres(?:ql)?:(?:\/\/([^/?#]*))?\/?([^?#]*)(?:\?([^#]*))?$/.exec(text.trim())
  if (!match) throw new RangeError('is no address such as postgresql://host:5432/database')
  const [, authority = '', database = '', query = ''] = match
  const at = authority.lastIndexOf('@')
  const [user = '', password = ''] = at < 0 ? [] : splitOnce(authority.slice(0, at), ':')
  const parameters = new Map(new URLSearchParams(query))
  return {
    hosts: parseHosts(authority.slice(at + 1)),
    database: decode(database),
    user: decode(user) || (parameters.get('user') ?? ''),
    password: decode(password) || (parameters.get('password') ?? ''),
    parameters,
  }
}

/** Reads `host1:5432,host2`; without any, the server of this machine. Throws a RangeError. */
export function parseHosts(text: string, defaultPort = DEFAULT_PORT): Host[] {
  const parts = text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
  if (parts.length === 0) return [{ host: 'localhost', port: defaultPort }]
  return parts.map(part => {
    const match = /^(\[[^\]]+\]|[^:[\]]+)(?::(\d+))?$/.exec(part)
    const port = Number(match?.[2] ?? defaultPort)
    if (!match?.[1] || port < 1 || port > 65535)
      throw new RangeError(`${JSON.stringify(part)} is no host such as db:5432`)
    return { host: match[1].replace(/^\[|\]$/g, ''), port }
  })
}

/** `host1:5432, host2:5432` */
export function showHosts(hosts: readonly Host[]): string {
  return hosts.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(', ')
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)]
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new RangeError('has a percent sign that begins no escape; write %25 for it')
  }
}
