import { type ChildProcess, fork } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { MessagingAddress } from '@pulsar-io/engine'
import type { ChildOptions } from './child.ts'
import { type Claim, readClaims } from './claims.ts'

/** A worker in a process of its own. */
export interface Crew {
  readonly workerId: string
  readonly child: ChildProcess
  leader: boolean
  readonly log: string[]
}

/** How workers are run. */
export interface FleetOptions {
  /** Default: an embedded log of its own. */
  readonly messaging?: MessagingAddress
  readonly namespace: string
  readonly leaseMs: number
  readonly instances: number
}

/** Worker processes that share one messaging system. */
export class Fleet {
  readonly crews = new Map<string, Crew>()
  readonly #directory: string
  readonly #options: FleetOptions

  private constructor(directory: string, options: FleetOptions) {
    this.#directory = directory
    this.#options = options
    writeFileSync(this.#file, '')
  }

  static async make(options: FleetOptions): Promise<Fleet> {
    return new Fleet(await mkdtemp(join(tmpdir(), 'pio-fleet-')), options)
  }

  get instances(): number {
    return this.#options.instances
  }

  start(workerId: string): Crew {
    const messaging = { url: `embedded:${join(this.#directory, 'log')}` }
    const options: ChildOptions = { messaging, ...this.#options, workerId, file: this.#file }
    const child = fork(fileURLToPath(new URL('./child.ts', import.meta.url)), [JSON.stringify(options)], {
      execArgv: ['--conditions=pulsar-io-source', '--no-warnings'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const crew: Crew = { workerId, child, leader: false, log: [] }
    child.on('message', (message: { readonly leader?: boolean; readonly log?: string }) => {
      if (message.leader !== undefined) crew.leader = message.leader
      if (message.log !== undefined) crew.log.push(message.log)
    })
    this.crews.set(workerId, crew)
    return crew
  }

  claims(): readonly Claim[] {
    return readClaims(this.#file)
  }

  /** Claims since a time. */
  since(time: bigint): readonly Claim[] {
    return this.claims().filter(claim => claim.time > time)
  }

  async close(): Promise<void> {
    for (const { child } of this.crews.values()) await end(child)
    await rm(this.#directory, { recursive: true, force: true })
  }

  get #file(): string {
    return join(this.#directory, 'claims')
  }
}

/** kill -9, which also ends a process that stands still. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}
