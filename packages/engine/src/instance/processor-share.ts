import { getPriority, setPriority } from 'node:os'
import type { Isolation } from '../api.ts'

/** From one nice value to the next a thread weighs a quarter more or less (sched(7), "The nice value"). */
const STEP = 1.25
const NICEST = 19

/**
 * How much nicer than its runtime an instance is that asks for `cores`. One core and more are 0, since less than
 * that takes rights that no worker should have; below one core it is what makes the instance weigh that much less.
 */
export function nicenessOf(cores: number): number {
  return cores >= 1 ? 0 : Math.min(NICEST, Math.round(Math.log(1 / cores) / Math.log(STEP)))
}

/**
 * Has the scheduler weigh the calling instance by the cores that it asks for: where processors are short it gets that
 * much less than one with a whole core. What nobody else needs it may use.
 *
 * @returns why it has no effect, where it has none.
 */
export function takeProcessorShare(cores: number | undefined, isolation: Isolation): string | undefined {
  if (cores === undefined || nicenessOf(cores) === 0) return undefined
  // Linux keeps the value for each thread (setpriority(2), "BUGS"), others for each process.
  const own = isolation === 'process' || (isolation === 'thread' && process.platform === 'linux')
  if (!own) return 'resources.cpu has no effect here: only an instance in a process of its own has a share (isolation)'
  try {
    // The runtime may have been started nicer itself.
    setPriority(Math.min(NICEST, getPriority() + nicenessOf(cores)))
    return undefined
  } catch (error) {
    return `resources.cpu has no effect: ${(error as Error).message}`
  }
}
