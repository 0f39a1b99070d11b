import { type Address, type Host, parseAddress, parseHosts, showHosts } from './address.ts'
import type { Config } from './options.ts'
import { type TlsMode, type TlsSettings, tlsSettings } from './tls.ts'

/** Everything that a connection needs, wherever it was said. */
export interface Settings {
  readonly hosts: readonly Host[]
  readonly database: string
  readonly user: string
  readonly password: string
  readonly tlsMode: TlsMode
  readonly tls: TlsSettings | undefined
  /** Milliseconds. */
  readonly connectTimeout: number
  /** Milliseconds; 0 is no limit. */
  readonly statementTimeout: number
  readonly connections: number
  /** What the server shows of a connection. */
  readonly applicationName: string
}

/** The settings, and the parameters of a URL that have no effect here. Throws a ConfigError for files of no use. */
export async function settingsOf(
  config: Config,
  applicationName: string,
): Promise<{ settings: Settings; inert: readonly string[] }> {
  const address = addressOf(config)
  const { parameters } = address
  const first = (...names: string[]) => names.map(name => parameters.get(name)).find(value => value !== undefined)
  const mode = first('sslmode') ?? (/^(true|1)?$/.test(first('ssl') ?? 'no') ? 'verify-full' : config.ssl.mode)
  const tlsMode = mode === 'allow' ? 'prefer' : (mode as TlsMode)
  const user = address.user || config.userName
  const settings: Settings = {
    hosts: address.hosts,
    database: address.database || user,
    user,
    password: address.password || config.password,
    tlsMode,
    tls: await tlsSettings({
      mode: tlsMode,
      ca: first('sslrootcert') ?? config.ssl.ca,
      cert: first('sslcert') ?? config.ssl.cert,
      key: first('sslkey') ?? config.ssl.key,
      keyPassword: first('sslpassword') ?? config.ssl.keyPassword,
    }),
    connectTimeout: config.connectTimeout,
    statementTimeout: config.statementTimeout,
    connections: config.connections,
    applicationName,
  }
  return { settings, inert: [...parameters.keys()].filter(name => !KNOWN.has(name)) }
}

const KNOWN = new Set([
  ...['user', 'password', 'ssl', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'sslpassword'],
  // What the sink does anyway.
  ...['target_session_attrs', 'targetServerType', 'reWriteBatchedInserts', 'tcpKeepAlive'],
])

function addressOf({ connection, connectionString, jdbcUrl }: Config): Address {
  if (connection) {
    const { host, port, database, user, password } = connection
    return { hosts: parseHosts(host, port), database, user, password, parameters: new Map() }
  }
  return parseAddress(connectionString || jdbcUrl)
}

/** `postgresql://host:5432/database`: what messages call the place; never with a password. */
export function placeOf({ hosts, database }: Pick<Settings, 'database'> & { hosts: readonly Host[] }): string {
  return `postgresql://${showHosts(hosts).replaceAll(' ', '')}/${database}`
}
