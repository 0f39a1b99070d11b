import { readFileSync } from 'node:fs'
import type { LogLevel, LogLine } from '@pulsar-io/engine'
import type { Problem } from '@pulsar-io/sdk'
import { type AuthOptions, type RoleGrant, startWorker, type WorkerOptions } from '@pulsar-io/worker'
import { ConfigProblems } from '../config/config-problems.ts'
import { EXIT } from '../exit.ts'
import type { FlagValues } from '../flags/flag.ts'
import { messagingAddress, messagingWarnings } from '../flags/messaging-address.ts'
import { reader } from '../flags/reader.ts'
import { createLogging, type LogFormat } from '../logging.ts'
import { outputTo } from '../output.ts'
import { onStop } from '../signals.ts'

/** `worker`: runs the connectors that its REST API is told to, until somebody stops it. */
export async function worker(values: FlagValues): Promise<number> {
  const problems: Problem[] = []
  const read = reader(values, problems)
  const logging = createLogging({
    stream: process.stderr,
    level: (read.choice('--log-level', LOG_LEVEL) as LogLevel | undefined) ?? 'info',
    format: read.choice('--log-format') as LogFormat | undefined,
    color: process.stderr.isTTY === true && !process.env.NO_COLOR,
  })
  const options = workerOptions(values, problems, logging.log)
  if (problems.length > 0) throw new ConfigProblems(problems)
  for (const warning of messagingWarnings(values)) logging.warn(warning)
  const stop = onStop()
  try {
    const running = await startWorker(options)
    await outputTo(process.stdout).write(`${running.url}\n`)
    if (!stop.signal.aborted) await new Promise(resolve => stop.signal.addEventListener('abort', resolve))
    logging.info('stopping: settling what is in flight; a second signal ends at once')
    await running.close()
    return EXIT.ok
  } finally {
    stop.release()
  }
}

const LOG_LEVEL = { flags: '--log-level <level>', description: '', choices: ['debug', 'info', 'warn', 'error'] }

function workerOptions(values: FlagValues, problems: Problem[], log: (line: LogLine) => void): WorkerOptions {
  const read = reader(values, problems)
  const limits = present({
    uploadBytes: read.bytes('--max-upload-size'),
    requestsPerSecond: read.whole('--rate-limit', 0, 1_000_000),
  })
  const stuckAfterMs = read.duration('--stuck-timeout')
  const metadataNamespace = read.text('--metadata-namespace')
  if (metadataNamespace !== undefined && !/^[-=:.\w]+\/[-=:.\w]+$/.test(metadataNamespace)) {
    problems.push({
      path: '--metadata-namespace',
      message: `must be tenant/namespace, got ${JSON.stringify(metadataNamespace)}`,
    })
  }
  return {
    ...present({
      port: read.whole('--port', 0, 65535),
      host: read.text('--host'),
      advertisedHost: read.text('--advertised-host'),
      workerId: read.text('--worker-id'),
      messaging: messagingAddress(values, problems),
      metadataNamespace,
      connectorsDir: read.text('--connectors-dir'),
      workDir: read.text('--work-dir'),
      allowedUrls: values.allowUrl as readonly string[] | undefined,
      isolation: read.choice('--isolation') as WorkerOptions['isolation'],
      leaseMs: read.duration('--lease'),
      drainTimeoutMs: read.duration('--drain-timeout'),
      restart: stuckAfterMs === undefined ? undefined : { stuckAfterMs },
      auth: authOptions(values, problems),
      tls: tlsFiles(values, problems),
      limits: Object.keys(limits).length > 0 ? limits : undefined,
    }),
    log,
  }
}

/** Undefined where nobody has to say who they are. */
function authOptions(values: FlagValues, problems: Problem[]): AuthOptions | undefined {
  const read = reader(values, problems)
  const file = (name: string) => bytesOf(name, read.text(name), problems)
  const token = present({
    secretKey: file('--token-secret-key'),
    publicKey: file('--token-public-key'),
    audience: read.text('--token-audience'),
  })
  const users = file('--basic-auth-file')
  const rules = {
    superUserRoles: (read.text('--superuser-roles') ?? '')
      .split(',')
      .map(role => role.trim())
      .filter(role => role !== ''),
    grants: ((values.authorize as readonly string[] | undefined) ?? []).flatMap(text => grantOf(text, problems)),
  }
  if (Object.keys(token).length === 0 && users === undefined) {
    const asked = rules.superUserRoles.length > 0 || rules.grants.length > 0
    if (asked && problems.length === 0) {
      const message =
        'roles need somebody who says them: add --token-secret-key, --token-public-key or --basic-auth-file'
      problems.push({ path: rules.grants.length > 0 ? '--authorize' : '--superuser-roles', message })
    }
    return undefined
  }
  return {
    ...(Object.keys(token).length > 0 ? { token } : {}),
    ...(users === undefined ? {} : { basic: usersOf(users.toString('utf8'), problems) }),
    ...rules,
  }
}

function grantOf(text: string, problems: Problem[]): readonly RoleGrant[] {
  const [, role, tenant, namespace] = /^([^=]+)=([-:.\w]+)(?:\/([-=:.\w]+))?$/.exec(text) ?? []
  if (role !== undefined && tenant !== undefined) return [{ role, tenant, ...present({ namespace }) }]
  problems.push({
    path: '--authorize',
    message: `must be role=tenant/namespace or role=tenant, got ${JSON.stringify(text)}`,
  })
  return []
}

function usersOf(text: string, problems: Problem[]): ReadonlyMap<string, string> {
  const users = new Map<string, string>()
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const at = line.indexOf(':')
    // The line itself is not shown: it holds a password.
    if (at < 1 || at === line.length - 1)
      problems.push({ path: '--basic-auth-file', message: `line ${i + 1} is not name:password` })
    else users.set(line.slice(0, at), line.slice(at + 1))
  }
  return users
}

function tlsFiles(values: FlagValues, problems: Problem[]): WorkerOptions['tls'] {
  const read = reader(values, problems)
  const [certFile, keyFile] = [read.text('--tls-cert'), read.text('--tls-key')]
  if ((certFile === undefined) !== (keyFile === undefined)) {
    const missing = certFile === undefined ? '--tls-cert' : '--tls-key'
    problems.push({ path: missing, message: 'required: a certificate and its key belong together' })
  }
  const cert = bytesOf('--tls-cert', certFile, problems)
  const key = bytesOf('--tls-key', keyFile, problems)
  return cert === undefined || key === undefined ? undefined : { cert, key }
}

function bytesOf(flag: string, file: string | undefined, problems: Problem[]): Buffer | undefined {
  if (file === undefined) return undefined
  try {
    return readFileSync(file)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    problems.push({ path: flag, message: `cannot read ${file}: ${code ?? message}` })
    return undefined
  }
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** Without the keys that have no value: an absent flag leaves the default alone. */
function present<T extends object>(options: T): Present<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Present<T>
}
