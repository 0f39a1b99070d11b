import { random, tally } from '../support/records.ts'
import type { Workspace } from '../support/workspace.ts'
import { drive } from './drive.ts'
import type { Fault } from './faults.ts'
import type { Flow } from './flows.ts'
import type { Guarantee } from './guarantee.ts'

/** Numbers instead of lists: a failure that prints 60,000 numbers helps nobody. */
export interface Count {
  readonly lost: number
  readonly duplicated: number
  readonly reordered: number
  readonly alien: number
}

/** What came of a flow that faults were done to. */
export interface Verdict extends Count {
  /** What was promised and not kept; empty: all of it was. */
  readonly broken: readonly string[]
  /** What repeats it, and what the last run said. */
  readonly about: string
}

/** Drives a flow through faults and counts what arrived. */
export async function judge(
  user: Workspace,
  flow: Flow,
  guarantee: Guarantee,
  fault: Fault,
  { times, seed }: { readonly times: number; readonly seed: number },
): Promise<Verdict> {
  await flow.prepare(user)
  const { at, end, stopped } = await drive(user, flow, guarantee, { fault, times, random: random(seed) })
  const { lost, duplicated, reordered, alien } = tally(await flow.arrived(user), flow.records, flow.groupOf)
  const count = {
    lost: lost.length,
    duplicated: duplicated.length,
    reordered: reordered.length,
    alien: alien.length,
  }
  const broken = brokenPromises(guarantee, flow, fault, count)
  for (const { code, stderr } of [...stopped, end])
    if (code !== 0) broken.push(`exit code ${code}: ${stderr.slice(-2000)}`)
  broken.push(...(await brokenDeadLetters(user, flow, guarantee)))
  const written = [...stopped, end].map(({ summary }) => summary?.recordsOut ?? Number.NaN)
  const sum = written.reduce((all, n) => all + n, 0)
  if (isOrderly(fault) && sum !== flow.records) broken.push(`the summaries say ${written.join(' + ')}`)
  // A cluster tells its progress late: there, a fault may miss the middle.
  if (times > 0 && flow.place.name === 'embedded' && !at.some(n => n > 0 && n < flow.records))
    broken.push('no fault hit the middle')
  return { ...count, broken, about: `seed ${seed}, ${fault.name} at ${at.join(', ')}` }
}

function brokenPromises(guarantee: Guarantee, flow: Flow, fault: Fault, count: Count): string[] {
  const exact = guarantee === 'EFFECTIVELY_ONCE' || isOrderly(fault) || (flow.overwrites && guarantee !== 'ATMOST_ONCE')
  const forbidden: readonly (keyof Count)[] = exact
    ? ['lost', 'duplicated', 'reordered', 'alien']
    : guarantee === 'ATLEAST_ONCE'
      ? ['lost', 'alien']
      : ['duplicated', 'alien']
  return forbidden.filter(each => count[each] > 0).map(each => `${count[each]} ${each}`)
}

/**
 * Each wrong record is there, and none that is right. A dead letter may come twice, as it is published before it is
 * acknowledged. With one try, right ones are among them that came while the system was away.
 */
async function brokenDeadLetters(user: Workspace, flow: Flow, guarantee: Guarantee): Promise<string[]> {
  if (flow.deadLetters === undefined || guarantee === 'ATMOST_ONCE') return []
  const found = new Set((await flow.deadLetters(user)).map(value => JSON.stringify(value)))
  const expected = Array.from({ length: flow.poison ?? 0 }, (_, i) => JSON.stringify({ n: `poison ${i + 1}` }))
  const alien = [...found].filter(each => !expected.includes(each))
  const missing = expected.filter(each => !found.has(each))
  return [
    ...(alien.length > 0 ? [`${alien.length} dead letters that were no poison: ${alien[0]}`] : []),
    ...(missing.length > 0 ? [`${missing.length} poisoned records are no dead letters: ${missing[0]}`] : []),
  ]
}

function isOrderly(fault: Fault): boolean {
  return 'signal' in fault && fault.signal === 'SIGTERM'
}
