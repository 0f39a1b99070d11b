import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 20

/** How long to wait, and what to say when it was in vain. */
export interface UntilOptions {
  /** Milliseconds after which the wait has failed. Default 30000. */
  readonly withinMs?: number
  readonly pollMs?: number
  /** What was waited for. */
  readonly what?: string
  /** Told when it did not come. */
  readonly detail?: () => string
}

/** Polls until `look` gives something else than undefined, null or false, and resolves with it. Rejects when the bound is over. */
export async function until<T>(
  look: () => T | undefined | null | false | Promise<T | undefined | null | false>,
  { withinMs = 30_000, pollMs = POLL_MS, what = 'the condition', detail }: UntilOptions = {},
): Promise<T> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== null && found !== false) return found
    if (Date.now() > deadline) throw new Error(`${what} did not come within ${withinMs} ms\n${detail?.() ?? ''}`)
    await sleep(pollMs)
  }
}
