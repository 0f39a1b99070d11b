import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'

const ROOT = resolve(import.meta.dirname, '../..')
const CONNECTORS = join(ROOT, 'connectors')

/** The connector of these tests, which has a sink, a source, a dependency and a file that it reads. */
export const ECHO = join(import.meta.dirname, 'fixtures/echo')

/** The folders of the connectors of this repository. */
export async function connectorFolders(): Promise<string[]> {
  const entries = await readdir(CONNECTORS, { withFileTypes: true })
  return entries
    .filter(entry => entry.isDirectory() && existsSync(join(CONNECTORS, entry.name, 'package.json')))
    .map(entry => join(CONNECTORS, entry.name))
    .sort()
}

/** A temporary folder from which no `node_modules` is in sight. */
export async function outsideFolder(): Promise<{ readonly dir: string; remove(): Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), 'pulsar-io-outside-'))
  for (let at = dir; ; at = dirname(at)) {
    if (existsSync(join(at, 'node_modules')))
      throw new Error(`${at} has a node_modules: these tests would prove nothing`)
    if (basename(at) === '') break
  }
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) }
}

/** The environment without what would let Node.js find modules elsewhere. */
function cleanEnv(): NodeJS.ProcessEnv {
  const { NODE_PATH: _path, NODE_OPTIONS: _options, ...env } = process.env
  return env
}

/** How a process ended. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A process that was started. */
export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
}

/** Starts a command in a folder. */
export function start(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): Running {
  const child = spawn(command, args, { cwd, env: { ...cleanEnv(), ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
  // A child that was killed cannot be written to; how it ended says so.
  child.stdin.on('error', () => undefined)
  const code = new Promise<number | null>((done, fail) => child.once('close', done).once('error', fail))
  const ended = Promise.all([code, text(child.stdout), text(child.stderr)]).then(([exit, stdout, stderr]) => ({
    code: exit,
    stdout,
    stderr,
  }))
  return { child, ended }
}

/** Starts one of `programs/`, which sees the repository's source; its working folder does not. */
export function startProgram(name: string, args: readonly string[], cwd: string, env?: NodeJS.ProcessEnv): Running {
  const program = join(import.meta.dirname, 'programs', `${name}.ts`)
  return start(process.execPath, ['--conditions=pulsar-io-source', program, ...args], cwd, env)
}

/** Starts a loader and waits until it stands before the archive. */
export async function startLoader(reference: string, kind: string, cacheDir: string, cwd: string): Promise<Running> {
  const running = startProgram('load', [reference, kind, cacheDir], cwd)
  await new Promise<void>((done, fail) => {
    running.child.stdout?.once('data', () => done())
    running.child.once('close', () => fail(new Error('the loader ended before it began')))
  })
  return running
}

/** What a loader printed, once it is told to go. */
export async function finishLoader({ child, ended }: Running): Promise<{ readonly [field: string]: unknown }> {
  child.stdin?.end('go\n')
  const { code, stdout, stderr } = await ended
  if (code !== 0) throw new Error(`the loader ended with ${code}\n${stderr}`)
  return JSON.parse(stdout.slice(stdout.indexOf('{')))
}
