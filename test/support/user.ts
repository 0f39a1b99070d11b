import { existsSync } from 'node:fs'
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { product } from './product.ts'
import { type Ended, RuntimeProcess, type StartOptions } from './runtime-process.ts'

type RunOptions = Omit<StartOptions, 'cwd'> & { readonly withinMs?: number }

/** A folder of a user who has the command and the archives and nothing else; gone after the test. */
export class Workspace {
  readonly dir: string
  readonly #started: RuntimeProcess[] = []

  constructor(dir: string) {
    this.dir = dir
  }

  path(...parts: readonly string[]): string {
    return join(this.dir, ...parts)
  }

  /** Writes a file; what is no text becomes JSON. Returns its name. */
  async file(name: string, content: unknown): Promise<string> {
    await writeFile(this.path(name), typeof content === 'string' ? content : JSON.stringify(content, undefined, 2))
    return name
  }

  /** Starts `runtime …` here. */
  start(args: readonly string[], options: Omit<StartOptions, 'cwd'> = {}): RuntimeProcess {
    const started = new RuntimeProcess(args, { cwd: this.dir, ...options })
    this.#started.push(started)
    return started
  }

  /** Runs `runtime …` here to its end. */
  run(args: readonly string[], { withinMs, ...options }: RunOptions = {}): Promise<Ended> {
    return this.start(args, options).end(withinMs)
  }

  /** Publishes lines with `topics produce`. */
  async produce(topic: string, lines: readonly string[], flags: readonly string[] = []): Promise<void> {
    const { code, stderr } = await this.run(['topics', 'produce', topic, ...flags], { input: `${lines.join('\n')}\n` })
    if (code !== 0 || !stderr.includes(`${lines.length} record`))
      throw new Error(`topics produce ended with ${code}: ${stderr}`)
  }

  /** The records of a topic, by `topics consume --output json`. */
  async consume(topic: string, flags: readonly string[] = []): Promise<readonly ConsumedRecord[]> {
    const { code, stdout, stderr } = await this.run(['topics', 'consume', topic, '--output', 'json', ...flags])
    if (code !== 0) throw new Error(`topics consume ended with ${code}: ${stderr}`)
    return stdout.split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line) as ConsumedRecord]))
  }

  async close(): Promise<void> {
    for (const one of this.#started) if (!one.over) one.kill('SIGKILL')
    await Promise.all(this.#started.map(one => one.end()))
    await rm(this.dir, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** A line of `topics consume --output json`. */
export interface ConsumedRecord {
  readonly topic: string
  readonly key: string | null
  readonly value: unknown
  readonly properties: { readonly [name: string]: string }
  readonly position: string
  readonly redeliveryCount: number
}

/** Makes a workspace outside of the repository, with no `node_modules` in sight; has to be closed. */
export async function makeWorkspace(): Promise<Workspace> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'pulsar-io-e2e-')))
  for (let at = dir; ; at = dirname(at)) {
    if (existsSync(join(at, 'node_modules'))) throw new Error(`${at} has a node_modules: this test would prove nothing`)
    if (at === dirname(at)) break
  }
  await product.copyArchives(join(dir, 'connectors'))
  return new Workspace(dir)
}
