import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openMessaging } from '@pulsar-io/engine'
import type { MessagingClient } from '@pulsar-io/messaging'
import { joinCluster } from '../../src/cluster/join.ts'
import type { ClusterOptions } from '../../src/cluster/options.ts'
import type { Coordinator, InstanceKey, WorkerInfo } from '../../src/coordination.ts'

/** Milliseconds; long enough for a slow machine, short enough for a test. */
export const LEASE_MS = 1_500

function infoOf(workerId: string): WorkerInfo {
  return { workerId, workerHostname: '127.0.0.1', port: 6750, url: `http://127.0.0.1/${workerId}` }
}

/** Asks over and over until the answer is true; throws when it never is. */
export async function eventually(what: string, ask: () => boolean | Promise<boolean>, ms = 30_000): Promise<void> {
  const until = performance.now() + ms
  while (!(await ask())) {
    if (performance.now() > until) throw new Error(`did not happen within ${ms} ms: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

/** Does what a worker has to do, with instances that are nothing but names. */
export class Runner {
  readonly running = new Set<InstanceKey>()
  readonly coordinator: Coordinator
  /** Milliseconds that an instance takes to stop. */
  stopMs = 0
  changes = 0
  readonly #client: MessagingClient
  readonly #owners: Map<InstanceKey, string>
  readonly #stop: () => void

  constructor(coordinator: Coordinator, client: MessagingClient, owners: Map<InstanceKey, string>) {
    this.coordinator = coordinator
    this.#client = client
    this.#owners = owners
    this.#stop = coordinator.onChange(() => this.#reconcile())
    this.#reconcile()
  }

  /** Everything stops, and is handed over. */
  async leave(): Promise<void> {
    this.#stop()
    for (const key of [...this.running]) this.#end(key)
    await this.coordinator.close()
    await this.#client.close()
  }

  /** Ends without a word: nothing runs here any more, and nobody is told. */
  async vanish(): Promise<void> {
    this.#stop()
    for (const key of [...this.running]) this.#owners.delete(key)
    // The client first, so that the farewell cannot be written.
    await this.#client.close()
    await this.coordinator.close()
  }

  #reconcile(): void {
    this.changes += 1
    const mine = this.coordinator.mine()
    for (const key of [...this.running]) if (!mine.has(key)) setTimeout(() => this.#end(key), this.stopMs)
    for (const key of mine) {
      if (this.running.has(key) || !this.coordinator.take(key)) continue
      const other = this.#owners.get(key)
      if (other !== undefined) throw new Error(`${key} still runs on ${other} when ${this.coordinator.workerId} begins`)
      this.#owners.set(key, this.coordinator.workerId)
      this.running.add(key)
    }
  }

  #end(key: InstanceKey): void {
    if (!this.running.delete(key)) return
    this.#owners.delete(key)
    this.coordinator.released(key)
  }
}

/** Workers on one embedded log, in one process. */
export class Workers {
  readonly runners: Runner[] = []
  readonly logged: string[] = []
  /** Who runs what. */
  readonly owners = new Map<InstanceKey, string>()
  readonly #directory: string

  private constructor(directory: string) {
    this.#directory = directory
  }

  static async make(): Promise<Workers> {
    return new Workers(await mkdtemp(join(tmpdir(), 'pio-cluster-')))
  }

  async add(workerId: string, options: Partial<ClusterOptions> = {}): Promise<Runner> {
    const client = options.client ?? (await openMessaging({ url: `embedded:${this.#directory}` }))
    const coordinator = await joinCluster({
      info: infoOf(workerId),
      leaseMs: LEASE_MS,
      log: (level, message, fields) =>
        this.logged.push(`${level} ${workerId}: ${message} ${JSON.stringify(fields ?? {})}`),
      ...options,
      client,
    })
    const runner = new Runner(coordinator, client, this.owners)
    this.runners.push(runner)
    return runner
  }

  client(): Promise<MessagingClient> {
    return openMessaging({ url: `embedded:${this.#directory}` })
  }

  async leader(): Promise<Coordinator> {
    const find = () => this.runners.find(({ coordinator }) => coordinator.isLeader())?.coordinator
    await eventually('there is a leader', () => find() !== undefined)
    return find() as Coordinator
  }

  /** How many instances run on each worker. */
  counts(): readonly number[] {
    return this.runners.map(({ running }) => running.size)
  }

  async close(): Promise<void> {
    for (const runner of this.runners) await runner.leave()
    await rm(this.#directory, { recursive: true, force: true })
  }
}
