import { expect } from 'vitest'
import { eventually } from '../support.ts'
import { overlaps } from './claims.ts'
import { type Crew, end, Fleet, type FleetOptions } from './fleet.ts'

/** Milliseconds after which everything has to run again. */
const WITHIN_MS = 15_000

/** Decides who is hit when; printed with the title of each test. */
export const seed = Number(process.env.PIO_SEED ?? Date.now() % 1_000_000)

/** Numbers from 0 to 1 that the seed decides (mulberry32). */
export function random(from: number): () => number {
  let state = from
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/**
 * Three workers, of which one after the other is killed, or stands still until others have its instances. Expects that no
 * two ever ran the same instance at once.
 */
export async function torment(options: FleetOptions, faults: number): Promise<void> {
  const next = random(seed)
  const fleet = await Fleet.make(options)
  const tookMs: { readonly fault: string; readonly ms: number }[] = []
  let held = 0
  try {
    for (const workerId of ['a', 'b', 'c']) fleet.start(workerId)
    await settled(fleet, process.hrtime.bigint())
    for (let fault = 0; fault < faults; fault += 1) {
      const crews = [...fleet.crews.values()]
      const victim = crews.find(({ leader }) => leader && next() < 0.5) ?? crews[Math.floor(next() * crews.length)]
      if (victim === undefined) throw new Error('no victim')
      const kill = next() < 0.6
      const what = `${kill ? 'kill' : 'stop'}${victim.leader ? ' of the leader' : ''}`
      const at = process.hrtime.bigint()
      const others = crews.filter(crew => crew !== victim)
      const losses = () => others.flatMap(({ log }) => log.filter(line => line.includes('lost touch'))).length
      const before = losses()
      if (kill) await end(victim.child)
      else victim.child.kill('SIGSTOP')
      // A process that stands still in the middle of a write to the embedded log keeps everybody from writing.
      const stuck = () => !kill && options.messaging === undefined && losses() === before + others.length
      const again = () => stuck() || ownedByOthers(fleet, victim, at)
      await eventually(`${what}: everything is owned again`, again, WITHIN_MS)
      if (stuck()) held += 1
      else tookMs.push({ fault: what, ms: Number(process.hrtime.bigint() - at) / 1e6 })
      if (kill) fleet.start(victim.workerId)
      else victim.child.kill('SIGCONT')
      await settled(fleet, process.hrtime.bigint())
    }
    expect(overlaps(fleet.claims())).toEqual([])
    expect(held).toBeLessThan(Math.max(2, faults / 4))
  } catch (error) {
    for (const { workerId, log } of fleet.crews.values()) console.log(workerId, log.slice(-10))
    throw error
  } finally {
    await fleet.close()
    console.log(summary(tookMs, options.leaseMs))
  }
}

/** Everybody runs something, and everything runs. */
async function settled(fleet: Fleet, from: bigint): Promise<void> {
  await eventually(
    'every worker runs something, and everything runs',
    () => {
      const claims = fleet.since(from)
      const pids = new Set(claims.map(({ pid }) => pid))
      const every = [...fleet.crews.values()].every(({ child }) => child.pid !== undefined && pids.has(child.pid))
      return every && new Set(claims.map(({ key }) => key)).size === fleet.instances
    },
    60_000,
  )
}

/** Whether every instance was claimed since then by somebody else. */
function ownedByOthers(fleet: Fleet, victim: Crew, from: bigint): boolean {
  const claims = fleet.since(from).filter(({ pid }) => pid !== victim.child.pid)
  return new Set(claims.map(({ key }) => key)).size === fleet.instances
}

function summary(tookMs: readonly { readonly fault: string; readonly ms: number }[], leaseMs: number): string {
  const lines = [...new Set(tookMs.map(({ fault }) => fault))].sort().map(fault => {
    const times = tookMs.filter(one => one.fault === fault).map(({ ms }) => Math.round(ms))
    return `  ${fault}: ${times.sort((a, b) => a - b).join(', ')} ms`
  })
  return `taken over with a lease of ${leaseMs} ms:\n${lines.join('\n')}`
}
