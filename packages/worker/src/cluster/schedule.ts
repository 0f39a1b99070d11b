import { type InstanceKey, splitInstanceKey } from '../coordination.ts'

/** A worker as the scheduler sees it. */
export interface Candidate {
  readonly workerId: string
  /** The larger, the busier; decides between workers that have equally many instances. */
  readonly load: number
  /** Gets something only where every worker is draining. */
  readonly draining: boolean
}

/**
 * Decides which worker runs what. Each worker gets as many instances as any other, or one more; what is somewhere stays
 * there as far as this allows; instances of one connector go to different workers where there is a choice. The same
 * arguments give the same answer. Without workers there is no assignment.
 */
export function schedule(
  wanted: readonly InstanceKey[],
  candidates: readonly Candidate[],
  present: ReadonlyMap<InstanceKey, string>,
): ReadonlyMap<InstanceKey, string> {
  const keys = [...new Set(wanted)].sort(byText)
  const places = placesFor(candidates, keys, present)
  const result = new Map<InstanceKey, string>()
  const homeless: InstanceKey[] = []
  for (const key of keys) {
    const place = places.get(present.get(key) ?? '')
    if (place === undefined) homeless.push(key)
    else place.kept.push(key)
  }
  for (const place of places.values()) homeless.push(...surplus(place))
  for (const place of places.values()) for (const key of place.kept) settle(place, key, result)
  for (const key of homeless.sort(byText)) {
    const { fqn } = splitInstanceKey(key)
    const open = [...places.values()].filter(place => place.taken < place.quota)
    const best = open.reduce<Place | undefined>((a, b) => (a === undefined || better(b, a, fqn) ? b : a), undefined)
    if (best !== undefined) settle(best, key, result)
  }
  return result
}

interface Place {
  readonly candidate: Candidate
  /** How many it gets. */
  quota: number
  /** What it has already. */
  kept: InstanceKey[]
  taken: number
  /** Instances of each connector. */
  readonly connectors: Map<string, number>
}

function placesFor(
  candidates: readonly Candidate[],
  keys: readonly InstanceKey[],
  present: ReadonlyMap<InstanceKey, string>,
): ReadonlyMap<string, Place> {
  const staying = candidates.filter(({ draining }) => !draining)
  const usable = staying.length > 0 ? staying : candidates
  const counts = new Map<string, number>()
  for (const key of keys) {
    const owner = present.get(key)
    if (owner !== undefined) counts.set(owner, (counts.get(owner) ?? 0) + 1)
  }
  const countOf = ({ workerId }: Candidate) => counts.get(workerId) ?? 0
  // One more goes first to those who have it already: nothing has to move then.
  const order = [...usable].sort((a, b) => countOf(b) - countOf(a) || a.load - b.load || byText(a.workerId, b.workerId))
  const floor = Math.floor(keys.length / Math.max(1, order.length))
  const extra = keys.length - floor * order.length
  return new Map(
    order.map((candidate, i) => [
      candidate.workerId,
      { candidate, quota: floor + (i < extra ? 1 : 0), kept: [], taken: 0, connectors: new Map() },
    ]),
  )
}

/** Takes away what is beyond the quota: first from connectors that have most instances here. */
function surplus(place: Place): readonly InstanceKey[] {
  const given: InstanceKey[] = []
  const counts = new Map<string, number>()
  for (const key of place.kept) counts.set(splitInstanceKey(key).fqn, (counts.get(splitInstanceKey(key).fqn) ?? 0) + 1)
  while (place.kept.length > place.quota) {
    const most = Math.max(...counts.values())
    const at = place.kept.findLastIndex(key => counts.get(splitInstanceKey(key).fqn) === most)
    for (const key of place.kept.splice(at, 1)) {
      given.push(key)
      counts.set(splitInstanceKey(key).fqn, most - 1)
    }
  }
  return given
}

function settle(place: Place, key: InstanceKey, result: Map<InstanceKey, string>): void {
  const { fqn } = splitInstanceKey(key)
  place.taken += 1
  place.connectors.set(fqn, (place.connectors.get(fqn) ?? 0) + 1)
  result.set(key, place.candidate.workerId)
}

/** Whether an instance of that connector is better placed in `a` than in `b`. */
function better(a: Place, b: Place, fqn: string): boolean {
  const difference =
    (a.connectors.get(fqn) ?? 0) - (b.connectors.get(fqn) ?? 0) ||
    a.taken - b.taken ||
    a.candidate.load - b.candidate.load ||
    byText(a.candidate.workerId, b.candidate.workerId)
  return difference < 0
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
