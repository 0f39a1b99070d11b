import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** What a worker says. */
export interface Said {
  readonly ready?: boolean
  readonly done?: boolean
  readonly acknowledged?: number
  readonly got?: readonly string[]
}

/** A worker process and what it said. */
export interface Running {
  readonly child: ChildProcess
  readonly said: Said[]
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>
  kill(): Promise<void>
}

/** Starts `worker.ts` in a process of its own. */
export function run(role: string, directory: string, options: object = {}): Running {
  const child = fork(
    fileURLToPath(new URL('./worker.ts', import.meta.url)),
    [role, directory, JSON.stringify(options)],
    { execArgv: ['--conditions=pulsar-io-source', '--no-warnings'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  )
  const said: Said[] = []
  child.on('message', message => said.push(message as Said))
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  return {
    child,
    said,
    ended,
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Asks over and over until the answer is true; throws when it never is. */
export async function eventually(what: string, ask: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const until = Date.now() + ms
  while (!(await ask())) {
    if (Date.now() > until) throw new Error(`did not happen within ${ms} ms: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}
