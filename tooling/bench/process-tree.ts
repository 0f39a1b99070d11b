import { readdirSync, readFileSync } from 'node:fs'

/** What a process and those below it use, by Linux. */
export interface Usage {
  /** Megabytes (10^6 bytes) that are resident. */
  readonly residentMB: number
  /** Seconds of the processor so far. */
  readonly cpuSeconds: number
}

/** Ticks per second in /proc, on every Linux that Node runs on. */
const TICKS = 100
const PAGE_BYTES = 4096

/** What the process `pid` and its descendants use now. */
export function usageOf(pid: number): Usage {
  const parents = new Map<number, number>()
  const usage = new Map<number, Usage>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const fields = statOf(name)
    if (fields === undefined) continue
    // See proc(5): 4 is the parent, 14 and 15 the ticks, 24 the resident pages; the first two are cut off.
    const at = (n: number) => Number(fields[n - 3])
    parents.set(Number(name), at(4))
    usage.set(Number(name), { residentMB: (at(24) * PAGE_BYTES) / 1e6, cpuSeconds: (at(14) + at(15)) / TICKS })
  }
  const below = (of: number): boolean => {
    for (let at: number | undefined = of; at !== undefined && at > 0; at = parents.get(at)) if (at === pid) return true
    return false
  }
  let [residentMB, cpuSeconds] = [0, 0]
  for (const [each, used] of usage) {
    if (!below(each)) continue
    residentMB += used.residentMB
    cpuSeconds += used.cpuSeconds
  }
  return { residentMB, cpuSeconds }
}

/** The fields behind the name of the program, which may hold blanks; undefined when it has ended meanwhile. */
function statOf(pid: string): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}
