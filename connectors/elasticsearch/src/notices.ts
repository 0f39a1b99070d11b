import type { Config } from './options.ts'
import { splitList } from './rules.ts'

/** Something an operator should know of a configuration that is not wrong. */
export interface Notice {
  readonly level: 'info' | 'warn'
  readonly message: string
}

/** What a configuration asks for and does not get, and what it should better not ask for. */
export function notices(config: Config): Notice[] {
  const notices: Notice[] = []
  const info = (message: string) => notices.push({ level: 'info', message })
  const warn = (message: string) => notices.push({ level: 'warn', message })
  if (config.typeName !== '_doc')
    info(`typeName ${JSON.stringify(config.typeName)} has no effect: servers have had no mapping types since version 8`)
  const retries = [
    ...(config.maxRetries === 1 ? [] : ['maxRetries']),
    ...(config.retryBackoffInMs === 100 ? [] : ['retryBackoffInMs']),
    ...(config.maxRetryTimeInSec === 86400 ? [] : ['maxRetryTimeInSec']),
  ]
  if (retries.length > 0) info(`${retries.join(', ')}: no effect, the runtime retries by its own policy`)
  if (config.ssl.provider !== '') info('ssl.provider has no effect outside Java')
  const plain = splitList(config.elasticSearchUrl).some(url => url.startsWith('http:'))
  if (config.ssl.enabled && plain) warn('ssl.enabled has no effect: elasticSearchUrl starts with http://')
  if (!config.ssl.enabled && (config.ssl.truststorePath !== '' || config.ssl.keystorePath !== ''))
    warn('ssl.truststorePath and ssl.keystorePath have no effect without ssl.enabled')
  if (config.ssl.enabled && config.ssl.disableCertificateValidation)
    warn('ssl.disableCertificateValidation: any certificate is believed, so the connection is not safe')
  return notices
}
