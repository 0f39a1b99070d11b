import { api } from '../api/client.ts'
import type { Kind, Place } from '../api/types.ts'
import { rate, stateOf, type Totals, totals } from '../numbers.ts'

/** A connector in the list. */
export interface Row {
  readonly place: Place
  readonly state: string
  readonly instances: string
  readonly totals: Totals | undefined
  /** Records per second since the reading before. */
  readonly rate: number | undefined
}

/** Requests at a time, and milliseconds that each takes at least: 120 in a second, well below what a worker lets one address do. */
const AT_ONCE = 6
const REQUEST_MS = 50

/** Reads all connectors of a namespace; `before` is the reading to take rates from. */
export async function readList(
  tenant: string,
  namespace: string,
  before: readonly Row[],
  signal: AbortSignal,
): Promise<readonly Row[]> {
  const places = (
    await Promise.all((['sink', 'source'] as const).map(kind => placesOf(kind, tenant, namespace, signal)))
  ).flat()
  const known = new Map(before.map(row => [keyOf(row.place), row]))
  const rows: Row[] = []
  const waiting = [...places.entries()]
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, place] = next
      const [row] = await Promise.all([readRow(place, known.get(keyOf(place)), signal), pause()])
      rows[index] = row
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return rows
}

/** Tells connectors apart. */
export function keyOf({ kind, tenant, namespace, name }: Place): string {
  return `${kind} ${tenant}/${namespace}/${name}`
}

function pause(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, REQUEST_MS))
}

async function placesOf(kind: Kind, tenant: string, namespace: string, signal: AbortSignal): Promise<Place[]> {
  const names = await api.names(kind, tenant, namespace, signal)
  return names.map(name => ({ kind, tenant, namespace, name }))
}

async function readRow(place: Place, before: Row | undefined, signal: AbortSignal): Promise<Row> {
  try {
    const status = await api.status(place, signal)
    const now = totals(status, performance.now())
    return {
      place,
      state: stateOf(status),
      instances: `${status.numRunning}/${status.numInstances}`,
      totals: now,
      rate: rate(before?.totals, now),
    }
  } catch (error) {
    if (signal.aborted) throw error
    // Deleted a moment ago, or its worker is away: the next reading tells.
    return { place, state: 'unknown', instances: '–', totals: undefined, rate: undefined }
  }
}
