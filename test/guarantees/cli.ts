/**
 * `pnpm faults --minutes 10 --seed 7`: faults at random points of random flows for a while, then a table.
 *
 * Every round prints what repeats it: `pnpm faults --seed S --rounds 1`.
 */
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { service } from '../../tooling/services/index.ts'
import { brokerProxy } from '../support/pulsar.ts'
import { random } from '../support/records.ts'
import { makeWorkspace } from '../support/user.ts'
import { disturbancesOf, type Fault, kill, rescale, restart } from './faults.ts'
import { type Flow, fileToTopic, topicToFile, topicToTopic } from './flows.ts'
import { type Guarantee, guarantees } from './guarantee.ts'
import { inEmbeddedLog, onPulsar } from './place.ts'
import { judge, type Verdict } from './scenario.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    rounds: { type: 'string' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
  },
})
const until = Date.now() + Number(values.minutes) * 60_000
const rounds = Number(values.rounds ?? Number.POSITIVE_INFINITY)
const cluster = await service('pulsar', { dedicated: true })
if (!cluster.available) console.log(`without Pulsar: ${cluster.reason}`)
const proxy = cluster.available && cluster.origin === 'local' ? await brokerProxy(cluster) : undefined

interface Row {
  rounds: number
  faults: number
  lost: number
  duplicated: number
  reordered: number
  broken: number
}

const table = new Map<string, Row>()
for (let round = 0; round < rounds && Date.now() < until; round++) await play(Number(values.seed) + round)
console.table(Object.fromEntries([...table].sort(([a], [b]) => (a < b ? -1 : 1))))
await proxy?.close()
if (cluster.available) await cluster.close()
const broken = [...table.values()].reduce((all, row) => all + row.broken, 0)
console.log(broken === 0 ? 'every promise was kept' : `${broken} rounds broke a promise`)
process.exitCode = broken === 0 ? 0 : 1

async function play(seed: number): Promise<void> {
  const dice = random(seed)
  const pick = <T>(of: readonly T[]): T => of[Math.floor(dice() * of.length)] as T
  const guarantee = pick(guarantees)
  const times = 1 + Math.floor(dice() * 5)
  const records = 50_000 + Math.floor(dice() * 150_000)
  const { flow, faults } = await pickFlow(dice, pick, records, guarantee)
  const { place } = flow
  const fault = pick(faults)
  const title = `${place.name}: ${flow.name}, ${guarantee}, ${fault.name}`
  const user = await makeWorkspace()
  try {
    note(title, times, await judge(user, flow, guarantee, fault, { times, seed }))
  } finally {
    await user.close()
  }
}

/** A flow, and what may happen to it. */
async function pickFlow(
  dice: () => number,
  pick: <T>(of: readonly T[]) => T,
  records: number,
  guarantee: Guarantee,
): Promise<{ readonly flow: Flow; readonly faults: readonly Fault[] }> {
  const endings = [kill, kill, restart]
  if (!cluster.available || dice() < 0.3)
    return { flow: pick([fileToTopic, topicToFile])(records, await inEmbeddedLog()), faults: endings }
  if (dice() < 0.3) {
    const place = await onPulsar(cluster, { partitions: 3 })
    return { flow: await topicToTopic(records, place, cluster), faults: [...endings, rescale, rescale] }
  }
  const place = await onPulsar(cluster, proxy ? { proxy } : {})
  return {
    flow: pick([fileToTopic, topicToFile])(records, place),
    faults: [...endings, ...disturbancesOf(place, guarantee)],
  }
}

function note(title: string, faults: number, verdict: Verdict): void {
  const row = table.get(title) ?? { rounds: 0, faults: 0, lost: 0, duplicated: 0, reordered: 0, broken: 0 }
  row.rounds += 1
  row.faults += faults
  row.lost += verdict.lost
  row.duplicated += verdict.duplicated
  row.reordered += verdict.reordered
  if (verdict.broken.length > 0) row.broken += 1
  table.set(title, row)
  console.log(
    `${verdict.broken.length === 0 ? 'kept  ' : 'BROKEN'} ${title}: ${[verdict.about, ...verdict.broken].join('; ')}`,
  )
}
