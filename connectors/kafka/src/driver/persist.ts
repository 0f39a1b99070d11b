import { setTimeout as sleep } from 'node:timers/promises'
import { PASSING } from './codes.ts'
import { failureOf } from './failure.ts'

/** Repeats what failed for a passing reason. */
export async function persist<T>(
  work: () => Promise<T>,
  withinMs: number,
  signal: AbortSignal,
  finalError: (error: unknown) => Error,
): Promise<T> {
  const deadline = performance.now() + withinMs
  for (let wait = 2; ; wait = Math.min(wait * 2, 200)) {
    try {
      return await work()
    } catch (error) {
      const { codes, login } = failureOf(error)
      // Servers say of the other partitions of a request that they did not look at them.
      const told = codes.filter(code => code !== 'OPERATION_NOT_ATTEMPTED')
      const passing = !login && told.every(code => PASSING.has(code))
      if (!passing || performance.now() > deadline || signal.aborted) throw finalError(error)
      await sleep(told.length === 0 ? Math.max(wait, 100) : wait)
    }
  }
}
