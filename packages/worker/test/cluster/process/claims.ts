import { readFileSync } from 'node:fs'

/** One process saying that it runs an instance. */
export interface Claim {
  /** Nanoseconds. */
  readonly time: bigint
  readonly key: string
  readonly workerId: string
  readonly pid: number
  /** One run of one instance in one process. */
  readonly run: string
}

/** All claims in the order of their times. */
export function readClaims(file: string): readonly Claim[] {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  const claims = lines.map(line => {
    const [time = '', key = '', workerId = '', pid = '', run = ''] = line.split(' ')
    return { time: BigInt(time), key, workerId, pid: Number(pid), run: `${workerId} ${pid} ${run}` }
  })
  return claims.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))
}

/** Runs of an instance that went on while another one of the same had begun. */
export function overlaps(claims: readonly Claim[]): readonly string[] {
  const current = new Map<string, string>()
  const over = new Set<string>()
  const found: string[] = []
  for (const { time, key, run } of claims) {
    const before = current.get(key)
    if (before === run) continue
    if (over.has(`${key} ${run}`)) found.push(`${key} at ${time}: ${run} goes on though ${before} began`)
    if (before !== undefined) over.add(`${key} ${before}`)
    current.set(key, run)
  }
  return found
}
