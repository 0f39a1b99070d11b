import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { BenchTopic } from './topic.ts'
import type { BenchContext } from './types.ts'

/** A `runtime` with a file sink. */
export class RuntimeProcess {
  readonly child: ChildProcess
  /** Where its records go. */
  readonly output: string
  #said = ''

  constructor({ root, folder }: BenchContext, topic: BenchTopic, name: string) {
    this.output = join(folder, `${name}.ndjson`)
    const command = [
      join(root, 'packages', 'runtime', 'bin', 'runtime.js'),
      ...['--archive', join(root, 'connectors', 'file.tgz'), '--kind', 'sink', '--name', name],
      ...['--inputs', topic.name, '--subs-position', 'Earliest', '--broker-service-url', topic.url],
      ...['--sink-config', JSON.stringify({ path: this.output }), '--log-level', 'warn'],
    ]
    this.child = spawn(process.execPath, command, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text
    })
  }

  /** @throws when it is not running any more. */
  check(): void {
    if (this.child.exitCode !== null) throw new Error(`runtime ended by itself: ${this.#said}`)
  }

  async end(): Promise<void> {
    this.check()
    const exit = once(this.child, 'exit')
    this.child.kill('SIGTERM')
    await exit
  }
}
