/** Tells whoever listens, at once and in this thread, that something may have changed. */
export class Signal {
  private readonly listeners = new Set<() => void>()

  get watched(): boolean {
    return this.listeners.size > 0
  }

  /** Returns how to stop listening. */
  listen(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  fire(): void {
    for (const listener of this.listeners) listener()
  }
}
