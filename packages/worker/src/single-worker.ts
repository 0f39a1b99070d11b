import { ConfigError } from '@pulsar-io/sdk'
import type { Coordinator, DrainProgress, InstanceKey, WorkerInfo } from './coordination.ts'

/** A worker that has nobody to share with: it leads, and everything is its own. */
export class SingleWorker implements Coordinator {
  readonly workerId: string
  readonly #info: WorkerInfo
  readonly #listeners = new Set<() => void>()
  #wanted: ReadonlySet<InstanceKey> = new Set()

  constructor(info: WorkerInfo) {
    this.workerId = info.workerId
    this.#info = info
  }

  workers(): readonly WorkerInfo[] {
    return [this.#info]
  }

  leader(): WorkerInfo {
    return this.#info
  }

  isLeader(): boolean {
    return true
  }

  async confirmLeader(): Promise<void> {
    // There is nobody else.
  }

  assignments(): ReadonlyMap<InstanceKey, string> {
    return new Map([...this.#wanted].map(key => [key, this.workerId]))
  }

  mine(): ReadonlySet<InstanceKey> {
    return this.#wanted
  }

  take(key: InstanceKey): boolean {
    return this.#wanted.has(key)
  }

  stopWithinMs(): number {
    return Number.POSITIVE_INFINITY
  }

  released(): void {
    // Nobody waits for it.
  }

  async propose(wanted: readonly InstanceKey[]): Promise<void> {
    const same = wanted.length === this.#wanted.size && wanted.every(key => this.#wanted.has(key))
    if (same) return
    this.#wanted = new Set(wanted)
    this.#tell()
  }

  async announce(): Promise<void> {
    this.#tell()
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async rebalance(): Promise<void> {
    throw tooFew()
  }

  async drain(): Promise<void> {
    throw tooFew()
  }

  drainProgress(): DrainProgress {
    return { status: 'notRun', remaining: this.#wanted.size }
  }

  async close(): Promise<void> {
    this.#listeners.clear()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}

/** Pulsar's words. */
function tooFew(): ConfigError {
  return new ConfigError([{ path: '', message: 'Too few workers (need at least 2)' }], { code: 'PIO_WORKER_TOO_FEW' })
}
