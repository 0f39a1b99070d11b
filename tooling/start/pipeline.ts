import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Target } from './target.ts'

const TOPIC = 'earthquakes'

/** Milliseconds between two looks at the status. */
const POLL_MS = 50

/** What the status tells of the pipeline. */
export interface Progress {
  readonly running: boolean
  /** Records that the source has published. */
  readonly published: number
  /** Records that the sink has written. */
  readonly written: number
  /** Records that wait in the topic; undefined while that is not known. */
  readonly waiting: number | undefined
}

/** `runtime run -f`, as an operator would start it. */
export class Pipeline {
  readonly #child: ChildProcess
  readonly #statusUrl: string
  readonly #ended: Promise<number>

  private constructor(child: ChildProcess, statusUrl: string) {
    this.#child = child
    this.#statusUrl = statusUrl
    this.#ended = once(child, 'exit').then(([code, signal]) => (code as number | null) ?? (signal ? 1 : 0))
  }

  /** Starts it and resolves once source and sink run. @throws when it ends before. */
  static async start(
    options: { root: string; file: string; target: Target; port: number; statusPort: number },
    signal: AbortSignal,
  ): Promise<Pipeline> {
    const { root, file, target, port, statusPort } = options
    await mkdir(dirname(join(root, file)), { recursive: true })
    await writeFile(join(root, file), pipelineText(target, port))
    const quiet = process.stderr.isTTY ? [] : ['--log-level', 'warn']
    const child = spawn(
      join(root, 'node_modules', '.bin', 'runtime'),
      ['run', '-f', file, '--metrics-port', String(statusPort), ...quiet],
      { cwd: root, env: { ...process.env, ...target.env }, stdio: ['ignore', 'inherit', 'inherit'] },
    )
    const pipeline = new Pipeline(child, `http://127.0.0.1:${statusPort}/status`)
    await once(child, 'spawn')
    await pipeline.until(progress => progress.running, signal)
    return pipeline
  }

  /** Resolves with the exit code once it ended. */
  get ended(): Promise<number> {
    return this.#ended
  }

  /** Looks at the status until `enough` says so. @throws when the pipeline ends before, or the signal aborts. */
  async until(enough: (progress: Progress) => boolean, signal: AbortSignal): Promise<Progress> {
    for (;;) {
      const progress = await this.#progress(signal)
      if (progress && enough(progress)) return progress
      signal.throwIfAborted()
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error(`runtime ended with exit code ${await this.#ended}; what it said is above`)
      await sleep(POLL_MS, undefined, { signal })
    }
  }

  /** Passes a signal on; resolves with the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    if (this.#child.exitCode === null) this.#child.kill(signal)
    return this.#ended
  }

  async #progress(signal: AbortSignal): Promise<Progress | undefined> {
    let response: Response
    try {
      response = await fetch(this.#statusUrl, { signal })
    } catch (error) {
      signal.throwIfAborted()
      // Not listening yet, or not any more: the caller looks whether the process lives.
      if (error instanceof TypeError) return undefined
      throw error
    }
    return progressOf((await response.json()) as readonly ConnectorStatus[])
  }
}

/** What `/status` tells of one connector; see `SinkStatus` and `SourceStatus` of the engine. */
interface ConnectorStatus {
  readonly kind: 'sink' | 'source'
  readonly numInstances: number
  readonly numRunning: number
  readonly instances: readonly {
    readonly status: { readonly numWritten?: number; readonly numWrittenToSink?: number; readonly lag?: number }
  }[]
}

function progressOf(connectors: readonly ConnectorStatus[]): Progress {
  const statuses = (kind: string) =>
    connectors.filter(each => each.kind === kind).flatMap(each => each.instances.map(instance => instance.status))
  return {
    running: connectors.every(each => each.numRunning === each.numInstances),
    published: statuses('source').reduce((sum, status) => sum + (status.numWritten ?? 0), 0),
    written: statuses('sink').reduce((sum, status) => sum + (status.numWrittenToSink ?? 0), 0),
    waiting: statuses('sink')[0]?.lag,
  }
}

/** The pipeline file: YAML, with the options as JSON, which is YAML too. */
function pipelineText(target: Target, port: number): string {
  const source = { type: 'http', host: '127.0.0.1', port, schemaType: 'json' }
  return `# An HTTP port → the topic ${TOPIC} → ${target.sink.name}
kind: source
name: earthquakes-over-http
archive: connectors/netty.tgz
topicName: ${TOPIC}
configs: ${JSON.stringify(source)}
---
kind: sink
name: ${target.sink.name}
archive: ${target.sink.archive}
inputs: [${TOPIC}]
sourceSubscriptionPosition: Earliest
processingGuarantees: EFFECTIVELY_ONCE
configs: ${JSON.stringify(target.sink.configs)}
`
}
