import { type ChildProcess, spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { eventually } from '../support.ts'
import { end } from './fleet.ts'

const CLI = resolve(import.meta.dirname, '../../../../runtime/src/cli.ts')

/** A `runtime worker` in a process of its own. */
export class RuntimeWorker {
  readonly workerId: string
  readonly child: ChildProcess
  readonly #directory: string
  #stdout = ''
  #stderr = ''

  constructor(workerId: string, directory: string, flags: readonly string[], embedded: boolean) {
    this.workerId = workerId
    this.#directory = directory
    const log = embedded ? ['--data-dir', join(directory, 'log')] : []
    const folders = [...log, '--work-dir', join(directory, workerId)]
    const common = ['--port', '0', '--worker-id', workerId, '--connectors-dir', join(directory, 'connectors')]
    this.child = spawn(
      process.execPath,
      ['--conditions=pulsar-io-source', '--no-warnings', CLI, 'worker', ...common, ...folders, ...flags],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PULSAR_IO_CACHE: join(directory, 'cache') } },
    )
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.#stdout += chunk.toString()
    })
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-200_000)
    })
  }

  /** What it logged last. */
  get log(): string {
    return this.#stderr
  }

  get url(): string {
    return this.#stdout.split('\n')[0] ?? ''
  }

  get directory(): string {
    return this.#directory
  }

  async ready(): Promise<void> {
    await eventually(`${this.workerId} takes requests: ${this.#stderr}`, () => this.#stdout.includes('\n'), 60_000)
  }

  /** Asks the REST API. */
  async ask(
    method: string,
    path: string,
    body?: FormData,
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    const answer = await fetch(`${this.url}${path}`, { method, ...(body === undefined ? {} : { body }) })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
  }

  /** kill -9 */
  async kill(): Promise<void> {
    await end(this.child)
  }

  /** SIGTERM; resolves with the exit code. */
  async stop(): Promise<number | null> {
    const ended = new Promise<number | null>(done => this.child.once('exit', code => done(code)))
    this.child.kill('SIGTERM')
    return ended
  }
}
