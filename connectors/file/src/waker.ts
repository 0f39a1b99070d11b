import { type FSWatcher, watch } from 'node:fs'
import type { Logger } from '@pulsar-io/sdk'

/** Waits until something in a folder changes, or some time has passed where the system reports no changes. */
export class Waker {
  readonly #folder: string
  readonly #logger: Logger
  #watcher: FSWatcher | undefined
  #changed = false
  #wake: (() => void) | undefined

  constructor(folder: string, logger: Logger) {
    this.#folder = folder
    this.#logger = logger
  }

  async wait(ms: number, signal: AbortSignal): Promise<void> {
    this.watch()
    if (!this.#changed && !signal.aborted) {
      await new Promise<void>(resolve => {
        const wake = () => {
          clearTimeout(timer)
          signal.removeEventListener('abort', wake)
          resolve()
        }
        const timer = setTimeout(wake, ms)
        signal.addEventListener('abort', wake)
        this.#wake = wake
      })
    }
    this.#wake = undefined
    this.#changed = false
  }

  close(): void {
    this.#watcher?.close()
    this.#watcher = undefined
    this.#wake?.()
  }

  /** Begins to watch; what changes from now on ends the next wait. */
  watch(): void {
    if (this.#watcher) return
    try {
      this.#watcher = watch(this.#folder, { persistent: false }, () => {
        this.#changed = true
        this.#wake?.()
      })
      this.#watcher.on('error', error => this.#fallBack(error))
    } catch (error) {
      this.#fallBack(error)
    }
  }

  /** Looking from time to time is enough; the next wait tries to watch again. */
  #fallBack(error: unknown): void {
    this.#watcher?.close()
    this.#watcher = undefined
    this.#logger.debug('cannot watch the folder, looking from time to time', {
      folder: this.#folder,
      error: error instanceof Error ? error.message : String(error),
    })
  }
}
