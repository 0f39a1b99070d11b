const PORT = 9042

/** A host with a port, from `host`, `host:port`, `[::1]:port` or a bare IPv6 address. */
interface Root {
  readonly host: string
  readonly port: number
}

/** The addresses of a comma-separated list. Throws a RangeError that names the one that is none. */
export function parseRoots(text: string): readonly Root[] {
  return text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
    .map(parseRoot)
}

function parseRoot(text: string): Root {
  if (/[@/]/.test(text))
    throw new RangeError(`${hidden(text)} must be a host with an optional port, without a scheme, user or path`)
  const match =
    /^\[([\da-fA-F:.]+)\](?::(\d+))?$/.exec(text) ??
    /^([\da-fA-F]*:[\da-fA-F:.]*:[\da-fA-F.]*)$/.exec(text) ??
    /^([^\s:[\]]+)(?::(\d+))?$/.exec(text)
  const [, host = '', port = String(PORT)] = match ?? []
  if (host === '' || Number(port) < 1 || Number(port) > 65_535)
    throw new RangeError(`${text} is no address; it is host or host:port, such as cassandra-1:9042 or [::1]:9042`)
  return { host, port: Number(port) }
}

/** What somebody took for an address may hold a password. */
const hidden = (text: string): string => text.replace(/\/\/.*@/, '//***@').replace(/^[^/]*@/, '***@')

/** For the driver. */
export function contactPoints(text: string): string[] {
  return parseRoots(text).map(({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`))
}
