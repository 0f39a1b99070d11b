import { parseJaas } from './jaas.ts'
import { parsePartitions } from './partitions.ts'
import { parseStart } from './start-from.ts'
import { parseTopic, topicProblem } from './topic-name.ts'

/** One thing wrong with a configuration. */
interface Finding {
  readonly path: readonly string[]
  readonly message: string
}

/** What the rules look at; a field may be missing or of the wrong type, which is reported elsewhere. */
type Raw = { readonly [field: string]: unknown }

/** The items of a comma-separated list, without what is empty. */
export function splitList(text: string): string[] {
  return text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
}

export function sourceProblems(config: Raw): Finding[] {
  return [...connectionProblems(config), ...groupProblems(config), ...topicProblems(config), ...startProblems(config)]
}

export function sinkProblems(config: Raw): Finding[] {
  const { topic, positionsTopic, acks, producerConfigProperties } = config
  const findings = connectionProblems(config)
  if (typeof topic === 'string') findings.push(...tried('topic', () => parseTopic(topic)))
  const wrong = typeof positionsTopic === 'string' ? topicProblem(positionsTopic) : undefined
  if (wrong) findings.push({ path: ['positionsTopic'], message: `the name ${wrong}` })
  const { 'enable.idempotence': idempotent } = properties(producerConfigProperties)
  if ((idempotent === true || idempotent === 'true') && (acks === '1' || acks === '0'))
    findings.push({ path: ['acks'], message: `must be all with enable.idempotence, got ${acks}` })
  return findings
}

/** Host and port of each server. Throws an Error that names the wrong ones. */
export function parseServers(text: string): { readonly host: string; readonly port: number }[] {
  const servers = splitList(text)
  if (servers.length === 0) throw new Error('must name a server, such as localhost:9092')
  return servers.map(server => {
    const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/@[\]]+)):(\d{1,5})$/.exec(server)
    const port = Number(match?.[3])
    if (!match || port < 1 || port > 65_535)
      throw new Error(
        `must be host:port, such as localhost:9092, separated by commas; got ${JSON.stringify(server.replace(/^.*@/, '…@'))}`,
      )
    return { host: match[1] ?? match[2] ?? '', port }
  })
}

const MODULES: { readonly [mechanism: string]: string } = {
  PLAIN: 'PlainLoginModule',
  'SCRAM-SHA-256': 'ScramLoginModule',
  'SCRAM-SHA-512': 'ScramLoginModule',
  OAUTHBEARER: 'OAuthBearerLoginModule',
}

const isSet = (value: unknown): value is string => typeof value === 'string' && value !== ''

function connectionProblems(config: Raw): Finding[] {
  const { bootstrapServers, securityProtocol, sslEnabledProtocols } = config
  const findings: Finding[] = []
  if (typeof bootstrapServers === 'string')
    findings.push(...tried('bootstrapServers', () => parseServers(bootstrapServers)))
  if (typeof sslEnabledProtocols === 'string')
    for (const version of splitList(sslEnabledProtocols))
      if (!['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'].includes(version))
        findings.push({
          path: ['sslEnabledProtocols'],
          message: `${JSON.stringify(version)} is no TLS version; use TLSv1.2,TLSv1.3`,
        })
  const tls = typeof securityProtocol === 'string' && securityProtocol.endsWith('SSL')
  for (const field of ['sslTruststoreLocation', 'sslKeystoreLocation'])
    if (isSet(config[field]) && !tls)
      findings.push({ path: ['securityProtocol'], message: `must be SSL or SASL_SSL because ${field} is set` })
  return [...findings, ...loginProblems(config)]
}

function loginProblems(config: Raw): Finding[] {
  const { saslMechanism: mechanism, securityProtocol, saslJaasConfig: jaas } = config
  const given = ['saslMechanism', 'saslJaasConfig', 'username', 'password', 'token'].filter(field =>
    isSet(config[field]),
  )
  if (typeof securityProtocol !== 'string' || !securityProtocol.startsWith('SASL')) {
    if (given.length === 0) return []
    return [
      {
        path: ['securityProtocol'],
        message: `must be SASL_SSL or SASL_PLAINTEXT because ${given.join(' and ')} is set`,
      },
    ]
  }
  if (!isSet(mechanism))
    return [{ path: ['saslMechanism'], message: `required because securityProtocol is ${securityProtocol}` }]
  const direct = mechanism === 'OAUTHBEARER' ? ['token'] : ['username', 'password']
  if (isSet(jaas)) return jaasProblems(config, mechanism, jaas)
  if (
    mechanism === 'OAUTHBEARER' &&
    properties(config.consumerConfigProperties ?? config.producerConfigProperties)[
      'sasl.oauthbearer.token.endpoint.url'
    ]
  )
    return []
  return direct
    .filter(field => !isSet(config[field]))
    .map(field => ({ path: [field], message: `required for ${mechanism}, or saslJaasConfig` }))
}

function jaasProblems(config: Raw, mechanism: string, jaas: string): Finding[] {
  const path = ['saslJaasConfig']
  const twice = ['username', 'password', 'token'].filter(field => isSet(config[field]))
  if (twice.length > 0) return [{ path, message: `cannot be combined with ${twice.join(' and ')}` }]
  const unreadable = tried('saslJaasConfig', () => parseJaas(jaas))
  if (unreadable.length > 0) return unreadable
  const { module, options } = parseJaas(jaas)
  if (module !== MODULES[mechanism])
    return [{ path, message: `names ${module}, but ${mechanism} needs ${MODULES[mechanism]}` }]
  if (mechanism === 'OAUTHBEARER') return []
  return ['username', 'password'].filter(name => !options[name]).map(name => ({ path, message: `has no ${name}="…"` }))
}

function groupProblems({ groupId, sessionTimeoutMs, heartbeatIntervalMs }: Raw): Finding[] {
  const findings: Finding[] = []
  if (groupId === '') findings.push({ path: ['groupId'], message: 'must not be empty' })
  if (
    typeof sessionTimeoutMs === 'number' &&
    typeof heartbeatIntervalMs === 'number' &&
    heartbeatIntervalMs >= sessionTimeoutMs
  )
    findings.push({ path: ['heartbeatIntervalMs'], message: `must be less than sessionTimeoutMs, ${sessionTimeoutMs}` })
  return findings
}

function topicProblems({ topic, topicsPattern, partitions }: Raw): Finding[] {
  const pattern = isSet(topicsPattern)
  if (isSet(topic) === pattern)
    return [
      { path: ['topic'], message: pattern ? 'cannot be combined with topicsPattern' : 'required, or topicsPattern' },
    ]
  const findings: Finding[] = []
  if (pattern) findings.push(...tried('topicsPattern', () => new RegExp(topicsPattern)))
  const topics = isSet(topic) ? splitList(topic) : []
  for (const name of topics) {
    const wrong = topicProblem(name)
    if (wrong) findings.push({ path: ['topic'], message: `${JSON.stringify(name)} ${wrong}` })
  }
  if (Array.isArray(partitions) && partitions.length > 0) {
    findings.push(...tried('partitions', () => parsePartitions(partitions as string[])))
    if (pattern || topics.length > 1) findings.push({ path: ['partitions'], message: 'needs exactly one topic' })
  }
  return findings
}

function startProblems({ startFrom, topic, topicsPattern, partitions }: Raw): Finding[] {
  if (!isSet(startFrom)) return []
  const findings = tried('startFrom', () => parseStart(startFrom))
  const many =
    isSet(topicsPattern) ||
    (typeof topic === 'string' && splitList(topic).length > 1) ||
    (Array.isArray(partitions) && partitions.length > 1)
  if (startFrom.startsWith('offset:') && many)
    findings.push({ path: ['startFrom'], message: 'an offset makes sense for one topic only; use a time' })
  return findings
}

const properties = (raw: unknown): Raw => (typeof raw === 'object' && raw !== null ? (raw as Raw) : {})

function tried(field: string, work: () => unknown): Finding[] {
  try {
    work()
    return []
  } catch (error) {
    return [{ path: [field], message: (error as Error).message }]
  }
}
