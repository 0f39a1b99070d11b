/** Lets one caller wait until woken, until a time, or until a signal aborts. */
export class WaitPoint {
  private wakeWaiting: (() => void) | undefined
  /** A wake that came while nobody waited ends the next wait at once, so that none is missed. */
  private woken = false

  wake(): void {
    this.woken = true
    this.wakeWaiting?.()
  }

  /** Resolves after `wake`, after `ms` (undefined: never by time), or when the signal aborts. */
  async wait(ms: number | undefined, signal: AbortSignal | undefined): Promise<void> {
    if (this.woken || signal?.aborted) {
      this.woken = false
      return
    }
    let timer: NodeJS.Timeout | undefined
    let onAbort: (() => void) | undefined
    await new Promise<void>(resolve => {
      this.wakeWaiting = resolve
      if (ms !== undefined) timer = setTimeout(resolve, Math.min(ms, MAX_TIMER_MS))
      if (signal !== undefined) {
        onAbort = resolve
        signal.addEventListener('abort', onAbort, { once: true })
      }
    })
    this.wakeWaiting = undefined
    this.woken = false
    clearTimeout(timer)
    if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort)
  }
}

const MAX_TIMER_MS = 2 ** 31 - 1
