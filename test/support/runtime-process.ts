import { type ChildProcess, spawn } from 'node:child_process'
import { product } from './product.ts'
import { type UntilOptions, until } from './until.ts'

/** How a process is started. */
export interface StartOptions {
  readonly cwd: string
  readonly env?: { readonly [name: string]: string }
  /** Standard input; without it there is none. `pipe` leaves it open. */
  readonly input?: string | Uint8Array | 'pipe'
}

/** One line of the log. */
export interface LogEntry {
  readonly level: string
  readonly time: string
  readonly msg: string
  readonly connector?: string
  readonly instance?: number
  readonly [field: string]: unknown
}

/** The numbers of the line that every run ends with. */
export interface Summary {
  readonly recordsIn: number
  readonly recordsOut: number
  readonly deadLettered: number
  readonly retried: number
}

/** How a process ended. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** What is on stderr besides the log: errors and the summary. */
  readonly said: string
  readonly log: readonly LogEntry[]
  readonly summary: Summary | undefined
}

const SUMMARY = /^(\d+) records in, (\d+) records out, (\d+) dead-lettered, (\d+) retried, [\d.]+ seconds$/m

/** A `runtime` command that was started, and everything it has printed so far. */
export class RuntimeProcess {
  readonly child: ChildProcess
  readonly args: readonly string[]
  readonly #ended: Promise<void>
  #stdout = ''
  #stderr = ''
  #over = false

  constructor(args: readonly string[], { cwd, env, input }: StartOptions) {
    this.args = args
    this.child = spawn(process.execPath, [product.command, ...args], {
      cwd,
      env: { ...cleanEnv(), PULSAR_IO_CACHE: product.cache, ...env },
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    })
    this.child.stdout?.setEncoding('utf8').on('data', text => {
      this.#stdout += text
    })
    this.child.stderr?.setEncoding('utf8').on('data', text => {
      this.#stderr += text
    })
    // A process that was killed cannot be written to; how it ended says so.
    this.child.stdin?.on('error', () => undefined)
    if (input !== undefined && input !== 'pipe') this.child.stdin?.end(input)
    this.#ended = new Promise((done, fail) => {
      this.child.once('error', fail)
      this.child.once('close', () => {
        this.#over = true
        done()
      })
    })
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('the process was not started')
    return this.child.pid
  }
  get over(): boolean {
    return this.#over
  }
  get stdout(): string {
    return this.#stdout
  }
  get stderr(): string {
    return this.#stderr
  }
  get log(): readonly LogEntry[] {
    return readLog(this.#stderr)
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  /** Waits for the end. Kills the process and rejects when that takes longer than `withinMs`. */
  async end(withinMs = 60_000): Promise<Ended> {
    const timer = setTimeout(() => this.child.kill('SIGKILL'), withinMs)
    const deadline = Date.now() + withinMs
    await this.#ended
    clearTimeout(timer)
    if (Date.now() >= deadline) throw new Error(`runtime did not end within ${withinMs} ms\n${this.describe()}`)
    const { exitCode: code, signalCode: signal } = this.child
    const said = this.#stderr
      .split('\n')
      .filter(line => line !== '' && !line.startsWith('{'))
      .join('\n')
    return {
      code,
      signal,
      stdout: this.#stdout,
      stderr: this.#stderr,
      said,
      log: this.log,
      summary: readSummary(said),
    }
  }

  /** Waits for a line of the log whose message or reason fits. Rejects when the process ends before. */
  logged(pattern: RegExp, options: UntilOptions = {}): Promise<LogEntry> {
    return this.while(
      () => this.log.find(entry => pattern.test(entry.msg) || pattern.test(String(entry.reason ?? ''))),
      { what: `a log line like ${pattern}`, ...options },
    )
  }

  /** As {@link until}, but rejects as soon as the process has ended without it. */
  while<T>(
    look: () => T | undefined | null | false | Promise<T | undefined | null | false>,
    options: UntilOptions = {},
  ) {
    return until(
      async () => {
        const over = this.#over
        const found = await look()
        if (over && (found === undefined || found === null || found === false))
          throw new Error(`the process ended before ${options.what ?? 'that'} came\n${this.describe()}`)
        return found
      },
      { ...options, detail: () => this.describe() },
    )
  }

  describe(): string {
    const tail = (text: string) => text.slice(-4000)
    return `$ runtime ${this.args.join(' ')}\nexit code: ${this.child.exitCode}, signal: ${this.child.signalCode}\nstdout: ${tail(this.#stdout)}\nstderr: ${tail(this.#stderr)}`
  }
}

function readLog(stderr: string): readonly LogEntry[] {
  // The last piece may still be on its way.
  return stderr
    .split('\n')
    .slice(0, -1)
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line) as LogEntry)
}

function readSummary(said: string): Summary | undefined {
  const numbers = SUMMARY.exec(said)?.slice(1).map(Number)
  if (!numbers) return undefined
  const [recordsIn = 0, recordsOut = 0, deadLettered = 0, retried = 0] = numbers
  return { recordsIn, recordsOut, deadLettered, retried }
}

/** The environment of a user: without what the test runner put there. */
function cleanEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(NODE_OPTIONS|NODE_PATH|NODE_ENV|VITEST.*|PULSAR_IO_.*)$/.test(name),
    ),
  )
}
