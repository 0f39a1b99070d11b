import { type ChildProcess, spawn } from 'node:child_process'
import { createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'

const CLI = resolve(import.meta.dirname, '../../packages/runtime/src/cli.ts')

/** A `runtime worker` on an embedded log of its own, and what it takes to be let in. */
export interface FuzzedWorker {
  readonly url: string
  /** Of a super-user; undefined: everybody may do everything. */
  readonly token: string | undefined
  /** Everything it has logged at level error, or said otherwise. */
  readonly errors: () => readonly string[]
  /** Status → how often it was answered. */
  readonly answers: () => { readonly [status: string]: number }
  /** SIGTERM. Rejects when it had ended before, or does not end with 0. */
  end(): Promise<void>
}

/**
 * Starts a worker whose files are all below `folder`, with `<folder>/connectors` as its built-in archives.
 * Rejects, with what it said, when it ends instead.
 */
export async function startFuzzedWorker(folder: string, secured: boolean): Promise<FuzzedWorker> {
  const key = randomBytes(32)
  const flags = ['--port', '0', '--rate-limit', '0', '--log-format', 'json', '--log-level', 'debug']
  const folders = ['--data-dir', 'log', '--work-dir', 'work', '--connectors-dir', 'connectors']
  if (secured) {
    await writeFile(join(folder, 'secret.key'), key, { mode: 0o600 })
    flags.push('--token-secret-key', 'secret.key', '--superuser-roles', 'admin')
  }
  const child = spawn(
    process.execPath,
    ['--conditions=pulsar-io-source', '--no-warnings', CLI, 'worker', ...flags, ...folders],
    { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PULSAR_IO_CACHE: join(folder, 'cache') } },
  )
  const errors: string[] = []
  const answers: { [status: string]: number } = {}
  createInterface(child.stderr).on('line', line => {
    const { level, msg, status } = entryOf(line)
    if (msg === 'request') answers[String(status)] = (answers[String(status)] ?? 0) + 1
    if (level === 'error') errors.push(line)
  })
  const ended = once(child, 'exit')
  const [line] = await Promise.race([once(child.stdout, 'data'), ended.then(() => [undefined])])
  if (line === undefined) throw new Error(`the worker did not start:\n${errors.join('\n')}`)
  return {
    url: String(line).trim(),
    token: secured ? token(key) : undefined,
    errors: () => errors,
    answers: () => answers,
    end: () => end(child, ended, errors),
  }
}

interface Entry {
  readonly level: string
  readonly msg?: string
  readonly status?: number
}

/** A line of the log; what is none counts as an error. */
function entryOf(line: string): Entry {
  try {
    return JSON.parse(line) as Entry
  } catch {
    // A warning of Node, or the end of a process that crashed.
    return { level: 'error' }
  }
}

async function end(child: ChildProcess, ended: Promise<unknown>, errors: readonly string[]): Promise<void> {
  const before = child.exitCode ?? child.signalCode
  child.kill('SIGTERM')
  await ended
  if (before !== null || child.exitCode !== 0) {
    const how = before === null ? `ended with ${child.exitCode}` : `was over before its end, with ${before}`
    throw new Error(`the worker ${how}:\n${errors.slice(-20).join('\n')}`)
  }
}

/** A JWT of the super-user, as `pulsar tokens create` makes it. */
function token(key: Uint8Array): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: 'admin' })}`
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
}
