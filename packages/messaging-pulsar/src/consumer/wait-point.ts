/** Where one waits until another wakes it, a time is over or a signal aborts. */
export class WaitPoint {
  private waiting: (() => void) | undefined

  wake(): void {
    this.waiting?.()
  }

  wait(ms: number | undefined, signal: AbortSignal | undefined): Promise<void> {
    return new Promise(resolve => {
      let timer: NodeJS.Timeout | undefined
      const done = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        this.waiting = undefined
        resolve()
      }
      if (signal?.aborted) {
        resolve()
        return
      }
      this.waiting = done
      if (ms !== undefined) timer = setTimeout(done, ms)
      signal?.addEventListener('abort', done, { once: true })
    })
  }
}
