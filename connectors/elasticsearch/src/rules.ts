import { getCiphers } from 'node:tls'
import { parseNamePattern } from './index-name.ts'

/** One thing wrong with a configuration. */
export interface Finding {
  readonly path: readonly string[]
  readonly message: string
}

/** What the rules look at; a field may be missing or of the wrong type, which is reported elsewhere. */
type Raw = { readonly [field: string]: unknown }

/** The rules that go beyond one field's type. */
export function problemsIn(config: Raw): Finding[] {
  return [
    ...urlProblems(config.elasticSearchUrl),
    ...indexProblems(config.indexName),
    ...templateProblems(config),
    ...dataStreamProblems(config),
    ...authProblems(config),
    ...sslProblems(config.ssl),
  ]
}

/** The addresses of a comma-separated list, without what is empty. */
export function splitList(text: string): string[] {
  return text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
}

const EXAMPLE = 'such as http://localhost:9200'

function urlProblems(raw: unknown): Finding[] {
  if (typeof raw !== 'string') return []
  const path = ['elasticSearchUrl']
  const urls = splitList(raw)
  if (urls.length === 0) return [{ path, message: `must be an address ${EXAMPLE}` }]
  const parsed = urls.map(url => (URL.canParse(url) ? new URL(url) : undefined))
  const messages = parsed.flatMap((url, i) => {
    // What cannot be read is not shown either: it may hold a password.
    if (!url) return [`address ${i + 1} is not a URL ${EXAMPLE}`]
    if (url.protocol !== 'http:' && url.protocol !== 'https:')
      return [`address ${i + 1} must start with http:// or https://, ${EXAMPLE}`]
    if (url.username || url.password)
      return ['must not hold a user or password, for it is shown in logs; use username and password']
    if (url.search || url.hash)
      return [`must end with the host or a path, got ${url.origin}${url.pathname}${url.search}`]
    return []
  })
  const mixed = new Set(parsed.map(url => url?.protocol)).size > 1
  if (messages.length === 0 && mixed) messages.push('must be either all http or all https')
  return messages.map(message => ({ path, message }))
}

function indexProblems(raw: unknown): Finding[] {
  if (typeof raw !== 'string' || raw === '') return []
  try {
    parseNamePattern(raw)
    return []
  } catch (error) {
    return [{ path: ['indexName'], message: (error as Error).message }]
  }
}

function templateProblems({ indexTemplate, indexTemplateName }: Raw): Finding[] {
  const given = typeof indexTemplate === 'object' && indexTemplate !== null && Object.keys(indexTemplate).length > 0
  const named = typeof indexTemplateName === 'string' && indexTemplateName !== ''
  if (given && !named) return [{ path: ['indexTemplateName'], message: 'required because indexTemplate is set' }]
  if (named && !given) return [{ path: ['indexTemplate'], message: 'required because indexTemplateName is set' }]
  return []
}

/** A data stream takes new documents only, and nothing replaces or deletes one. */
function dataStreamProblems({ dataStream, keyIgnore, primaryFields, nullValueAction, indexName }: Raw): Finding[] {
  if (dataStream !== true && dataStream !== 'true') return []
  const found: Finding[] = []
  const add = (path: string, message: string) => found.push({ path: [path], message })
  if (keyIgnore === false || keyIgnore === 'false')
    add('keyIgnore', 'must be true with dataStream: a data stream replaces no document by its key')
  if (typeof primaryFields === 'string' && primaryFields !== '')
    add('primaryFields', 'must be empty with dataStream: a data stream replaces no document by its fields')
  if (nullValueAction === 'DELETE') add('nullValueAction', 'must not be DELETE with dataStream, which deletes nothing')
  if (typeof indexName === 'string' && indexName.includes('%{'))
    add('indexName', 'must have no date with dataStream, which begins new indices by itself')
  return found
}

function authProblems(config: Raw): Finding[] {
  const set = (field: string): boolean => typeof config[field] === 'string' && config[field] !== ''
  const findings: Finding[] = []
  for (const [one, other] of [
    ['username', 'password'],
    ['password', 'username'],
  ] as const)
    if (set(one) && !set(other)) findings.push({ path: [other], message: `required because ${one} is set` })
  const modes = [
    ...(set('username') || set('password') ? ['username and password'] : []),
    ...(set('token') ? ['token'] : []),
    ...(set('apiKey') ? ['apiKey'] : []),
  ]
  if (modes.length > 1)
    findings.push({ path: [], message: `only one way to authenticate can be used, got ${modes.join(', ')}` })
  return findings
}

const TLS_VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']

function sslProblems(raw: unknown): Finding[] {
  if (typeof raw !== 'object' || raw === null) return []
  const { protocols, cipherSuites } = raw as Raw
  const findings: Finding[] = []
  if (typeof protocols === 'string')
    for (const version of splitList(protocols))
      if (!TLS_VERSIONS.includes(version))
        findings.push({
          path: ['ssl', 'protocols'],
          message: `${JSON.stringify(version)} is no TLS version; use ${TLS_VERSIONS.join(', ')}`,
        })
  if (typeof cipherSuites === 'string') {
    const known = new Set(getCiphers())
    for (const suite of splitList(cipherSuites))
      if (!known.has(opensslCipher(suite).toLowerCase()))
        findings.push({
          path: ['ssl', 'cipherSuites'],
          message: `${JSON.stringify(suite)} is not a cipher suite that Node knows; see node -p "tls.getCiphers()"`,
        })
  }
  return findings
}

/**
 * OpenSSL's name of a cipher suite that Java names: `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` is
 * `ECDHE-RSA-AES128-GCM-SHA256`. Names of TLS 1.3 and of OpenSSL itself are the same in both.
 */
export function opensslCipher(name: string): string {
  const match = /^TLS_(.+)_WITH_(.+)$/.exec(name)
  if (!match) return name
  const [, exchange = '', cipher = ''] = match
  const bulk = cipher
    .replace(/AES_(\d+)/, 'AES$1')
    .replace(/_CBC(?=_)/, '')
    .replace(/^(CHACHA20_POLY1305)_SHA256$/, '$1')
    .replaceAll('_', '-')
  return exchange === 'RSA' ? bulk : `${exchange.replaceAll('_', '-')}-${bulk}`
}
