import { embeddedDirectory, type MessagingAddress, messagingProblem } from '@pulsar-io/engine'
import type { Problem } from '@pulsar-io/sdk'
import { type FlagValues, flagKey, flagName } from './flag.ts'
import { clusterOnly } from './messaging.ts'

/** The messaging system that the flags name; undefined: the default. What is wrong goes to `problems`. */
export function messagingAddress(values: FlagValues, problems: Problem[]): MessagingAddress | undefined {
  const url = chosenUrl(values, problems)
  if (url === undefined) return undefined
  const text = (key: string) => (typeof values[key] === 'string' ? values[key] : undefined)
  const bool = (key: string) => switchValue(values, key, problems)
  const tls = {
    ...optional('trustCerts', text('tlsTrustCertPath')),
    ...optional('allowInsecure', bool('tlsAllowInsecure')),
    ...optional('verifyHostname', bool('hostnameVerificationEnabled')),
  }
  const useTls = bool('useTls')
  if (useTls === false && /^pulsar\+ssl:/i.test(url)) {
    problems.push({ path: '--use-tls', message: `false contradicts ${url}; write pulsar:// or leave the flag out` })
  }
  if (text('clientAuthParams') !== undefined && text('clientAuthPlugin') === undefined) {
    problems.push({ path: '--client-auth-params', message: 'needs --client-auth-plugin, for example token' })
  }
  return {
    ...optional('driver', driverOf(values)),
    url: useTls === true ? url.replace(/^pulsar:/i, 'pulsar+ssl:') : url,
    ...optional('adminUrl', text('webServiceUrl')),
    ...optional('authPlugin', text('clientAuthPlugin')),
    ...optional('authParams', text('clientAuthParams')),
    ...(Object.keys(tls).length > 0 ? { tls } : {}),
  }
}

/** What to say about flags that have no meaning for the embedded log. */
export function messagingWarnings(values: FlagValues): string[] {
  const address = messagingAddress(values, [])
  if (address !== undefined && embeddedDirectory(address.url) === undefined) return []
  return clusterOnly
    .filter(flag => values[flagKey(flag)] !== undefined)
    .map(flag => `${flagName(flag)} has no effect here: the embedded log is a folder and takes no login`)
}

function chosenUrl(values: FlagValues, problems: Problem[]): string | undefined {
  const url = values.brokerServiceUrl as string | undefined
  const dir = values.dataDir as string | undefined
  const driver = driverName(values)
  if (url !== undefined && dir !== undefined) {
    problems.push({
      path: '--data-dir',
      message: 'is the same as --broker-service-url embedded:<dir>; give one of them',
    })
  }
  const chosen = url ?? (dir === undefined ? undefined : `embedded:${dir}`)
  if (url !== undefined) {
    const problem = messagingProblem(url)
    if (problem !== undefined) problems.push({ path: '--broker-service-url', message: problem })
  }
  if (driver !== undefined) checkDriver(driver, chosen, problems)
  return chosen
}

function checkDriver(driver: string, url: string | undefined, problems: Problem[]): void {
  const wrong = (message: string) => problems.push({ path: '--messaging', message })
  const embedded = embeddedDirectory(url) !== undefined
  if (driver === 'embedded' && !embedded) {
    wrong(`embedded does not speak ${url}; give embedded:<dir> or leave it out`)
  } else if ((driver === 'pulsar' || driver === 'native') && embedded) {
    wrong(`${driver} needs the address of a cluster; add --broker-service-url pulsar://host:6650`)
  } else if (!['embedded', 'pulsar', 'native'].includes(driver)) {
    wrong(`must be one of embedded, pulsar, native, got ${JSON.stringify(driver)}`)
  }
}

function driverName(values: FlagValues): string | undefined {
  return typeof values.messaging === 'string' ? values.messaging.toLowerCase() : undefined
}

/** Only where it is not the one that the address would get. */
function driverOf(values: FlagValues): 'native' | undefined {
  return driverName(values) === 'native' ? 'native' : undefined
}

function switchValue(values: FlagValues, key: string, problems: Problem[]): boolean | undefined {
  const value = values[key]
  if (value === undefined || typeof value === 'boolean') return value
  if (typeof value === 'string' && /^(true|false)$/i.test(value)) return value.toLowerCase() === 'true'
  const name = clusterOnly.find(flag => flagKey(flag) === key)
  problems.push({
    path: name === undefined ? key : flagName(name),
    message: `must be true or false, got ${JSON.stringify(value)}`,
  })
  return undefined
}

function optional<K extends string, T>(key: K, value: T | undefined): { readonly [P in K]?: T } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: T }
}
