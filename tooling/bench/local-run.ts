import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { type Usage, usageOf } from './process-tree.ts'

/** How a local runner is started. */
export interface RunCommand {
  readonly command: string
  readonly env: NodeJS.ProcessEnv
  readonly args: readonly string[]
}

/** A local runner, Pulsar's or ours, as a process. */
export class LocalRun {
  /** When it was started, as `performance.now()` counts. */
  readonly began = performance.now()
  readonly #child: ChildProcess
  #said = ''

  constructor({ command, env, args }: RunCommand, folder: string) {
    const child = spawn(command, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#said = `${this.#said}${text}`.slice(-4000)
      })
    this.#child = child
  }

  /** The last of what it printed. */
  get said(): string {
    return this.#said
  }

  /** What it and all below it use. @throws when it is not running any more. */
  usage(): Usage {
    const { exitCode, signalCode, pid } = this.#child
    if (exitCode !== null || signalCode !== null || pid === undefined)
      throw new Error(`it ended by itself: ${this.#said}`)
    return usageOf(pid)
  }

  async end(): Promise<void> {
    const { exitCode, signalCode } = this.#child
    if (exitCode !== null || signalCode !== null) return
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    const late = setTimeout(() => this.#child.kill('SIGKILL'), 15_000)
    await exit
    clearTimeout(late)
  }
}

/** What `pulsar-admin sources|sinks localrun` starts, without the time that the command itself takes. */
export function javaRun(
  admin: { readonly command: string; readonly env: NodeJS.ProcessEnv },
  args: readonly string[],
): RunCommand {
  return {
    command: join(dirname(admin.command), 'function-localrunner'),
    // Its own choice of a garbage collector is refused by some JVMs beside what `java` is started with.
    env: { ...admin.env, PULSAR_GC: ' ', PULSAR_GC_LOG: ' ' },
    args,
  }
}

/** Our `runtime` with these arguments. */
export function ourRun(root: string, args: readonly string[]): RunCommand {
  const command = join(root, 'packages', 'runtime', 'bin', 'runtime.js')
  return { command: process.execPath, env: process.env, args: [command, '--log-level', 'warn', ...args] }
}
