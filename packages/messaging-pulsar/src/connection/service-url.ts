import { ConfigError } from '@pulsar-io/sdk/core'

/** Schemes of a service URL, with the port where none is written. */
const PORTS = { pulsar: 6650, 'pulsar+ssl': 6651, http: 80, https: 443 } as const

type Scheme = keyof typeof PORTS

/** Where a cluster is found: brokers or proxies to ask for topics, over the binary protocol or over HTTP. */
export interface ServiceUrl {
  readonly scheme: Scheme
  /** Whether everything goes through TLS. */
  readonly secure: boolean
  /** Whether topics are looked up over HTTP; the brokers' own addresses come from the answers. */
  readonly http: boolean
  /** `host:port` each, an IPv6 address in brackets. */
  readonly hosts: readonly string[]
}

/**
 * Reads `pulsar://host:6650`, `pulsar+ssl://host:6651`, or `http(s)://host:8080`, each with any number of hosts
 * separated by commas.
 * @throws ConfigError (`PIO_PULSAR_URL`) naming everything that is wrong.
 */
export function parseServiceUrl(text: string): ServiceUrl {
  const match = /^([a-z+]+):\/\/(.*)$/i.exec(text.trim())
  const scheme = match?.[1]?.toLowerCase()
  if (!match || scheme === undefined) {
    throw refusal(text, ['it has no scheme; write pulsar://HOST:6650, or pulsar+ssl://HOST:6651 with TLS'])
  }
  if (!isScheme(scheme)) {
    throw refusal(text, [`${scheme}:// is not a scheme of Pulsar; there are ${Object.keys(PORTS).join('://, ')}://`])
  }
  const [authority = '', ...path] = (match[2] ?? '').split('/')
  const problems: string[] = []
  if (path.join('') !== '') problems.push(`nothing follows the hosts, remove "/${path.join('/')}"`)
  if (authority.includes('@')) {
    problems.push('user and password do not belong into it; set the client authentication (plugin and parameters)')
  }
  const hosts = authority
    .slice(authority.lastIndexOf('@') + 1)
    .split(/[,;]/)
    .map(host => parseHost(host.trim(), scheme, problems))
  if (problems.length > 0) throw refusal(text, problems)
  return { scheme, secure: scheme === 'pulsar+ssl' || scheme === 'https', http: scheme.startsWith('http'), hosts }
}

/** Base addresses of the admin interface: that of an HTTP service URL, otherwise port 8080 (8443 with TLS) of its hosts. */
export function adminUrls(service: ServiceUrl): readonly string[] {
  const scheme = service.secure ? 'https' : 'http'
  return service.hosts.map(host => {
    if (service.http) return `${scheme}://${host}`
    return `${scheme}://${host.slice(0, host.lastIndexOf(':'))}:${service.secure ? 8443 : 8080}`
  })
}

function isScheme(text: string): text is Scheme {
  return Object.hasOwn(PORTS, text)
}

function parseHost(text: string, scheme: Scheme, problems: string[]): string {
  const match = /^(\[[0-9a-f:.%\w]+\]|[^\s:[\]?#]+)(?::(.*))?$/i.exec(text)
  if (!match) {
    problems.push(text === '' ? 'a host is missing' : `"${text}" is not HOST:PORT (an IPv6 address goes in brackets)`)
    return text
  }
  const port = match[2] === undefined ? PORTS[scheme] : Number(match[2])
  if (!/^\d*$/.test(match[2] ?? '') || !Number.isInteger(port) || port < 1 || port > 65_535) {
    problems.push(`"${match[2]}" is not a port`)
  }
  return `${match[1]}:${port}`
}

/** Of the text only what cannot hold a password is repeated. */
function refusal(text: string, problems: readonly string[]): ConfigError {
  const shown = text.replace(/\/\/.*@/, '//…@')
  return new ConfigError(
    problems.map(message => ({
      path: '',
      message: `not a service URL of Pulsar: ${JSON.stringify(shown)}: ${message}`,
    })),
    { code: 'PIO_PULSAR_URL' },
  )
}
