import type { Worker } from 'node:worker_threads'
import { startThread } from './thread.ts'

/**
 * A thread that starts before anybody knows what for. Node takes as long to start one as a command takes to be checked,
 * so both are done at once. It keeps no process alive.
 *
 * It has an entry of its own into the package, because the rest of the engine would have to be loaded first.
 */
export class StandbyThread {
  #worker: Worker | undefined
  /** One that dies early is not there any more; the thread that is started instead tells why. */
  readonly #gone = (): void => {
    this.#worker = undefined
  }

  constructor(start: () => Worker = () => startThread('instance')) {
    this.#worker = start()
    this.#worker.unref()
    this.#worker.on('error', this.#gone)
    this.#worker.on('exit', this.#gone)
  }

  /** The thread, for whoever asks first. */
  take(): Worker | undefined {
    const worker = this.#worker
    this.#worker = undefined
    worker?.off('error', this.#gone)
    worker?.off('exit', this.#gone)
    worker?.ref()
    return worker
  }

  /** Ends the thread unless it was taken. */
  async discard(): Promise<void> {
    await this.take()?.terminate()
  }
}
