import { join } from 'node:path'
import { startConnectors } from '@pulsar-io/engine'
import { open } from 'lmdb'
import { packConnector } from '../pack/pack-connector.ts'
import { ratios, spread } from './stats.ts'
import { BenchTopic, jsonRecords } from './topic.ts'
import type { Bench } from './types.ts'

const RECORDS = 600_000
/** How often they are in the topic for two instances: the second has to come up and get its partition first. */
const PASSES = 5

/**
 * Embedded log → decode JSON → a sink that does nothing, against the same records straight out of lmdb; and two instances
 * of it, a partition each, against one: here no broker takes its part of the machine.
 */
export const log: Bench = async ({ folder, rounds }) => {
  const records = jsonRecords(RECORDS, 1024)
  const archive = join(folder, 'noop.tgz')
  await packConnector(join(import.meta.dirname, 'noop'), archive)
  const topic = await BenchTopic.fill(folder, records, { type: 'JSON' })
  const plain = open<Buffer, number>({ path: join(folder, 'plain'), encoding: 'binary', keyEncoding: 'uint32' })
  await plain.batch(() => {
    for (const [key, record] of records.entries()) plain.put(key, Buffer.from(record))
  })
  const double = await BenchTopic.fill(join(folder, 'double'), records, { type: 'JSON' }, 2)
  for (let pass = 1; pass < PASSES; pass++) await double.publish(records, undefined, { type: 'JSON' })
  const [engine, direct]: [number[], number[]] = [[], []]
  const [one, two]: [number[], number[]] = [[], []]
  for (let round = 0; round <= rounds; round++) {
    const through = await throughEngine(topic, archive, `noop-${round}`, RECORDS)
    const straight = readAll(plain)
    const alone = await throughEngine(double, archive, `one-${round}`, RECORDS * PASSES, 1)
    const both = await throughEngine(double, archive, `two-${round}`, RECORDS * PASSES, 2)
    // The first round warms the page cache and does not count.
    if (round === 0) continue
    engine.push(through)
    direct.push(straight)
    one.push(alone)
    two.push(both)
  }
  await plain.close()
  await topic.close()
  await double.close()
  const value = spread(engine)
  const ratio = ratios(engine, direct)
  const instances = ratios(two, one)
  return [
    {
      name: 'embedded log → JSON → no-op sink, 1 KB records',
      unit: 'records/s',
      value,
      reference: { name: 'lmdb getRange', value: spread(direct), ratio },
      goal: '≥ 100,000 records/s, ratio ≥ 0.5',
      reached: value.median >= 100_000 && ratio.median >= 0.5,
    },
    {
      name: 'the same over two partitions, EFFECTIVELY_ONCE, two instances',
      unit: 'records/s',
      value: spread(two),
      reference: { name: 'one instance', value: spread(one), ratio: instances },
      goal: 'ratio ≥ 1.5',
      reached: instances.median >= 1.5,
    },
  ]
}

/** Records per second between the first batch and the last; of one instance, or of so many that have their partitions to themselves. */
async function throughEngine(
  topic: BenchTopic,
  archive: string,
  name: string,
  count: number,
  parallelism?: number,
): Promise<number> {
  const measured: { records: number; first: number; last: number }[] = []
  const inputs = { inputs: [topic.name], sourceSubscriptionPosition: 'Earliest' as const }
  const more = parallelism === undefined ? {} : { parallelism, processingGuarantees: 'EFFECTIVELY_ONCE' as const }
  const run = await startConnectors([{ kind: 'sink', config: { name, archive, ...inputs, ...more } }], {
    messaging: { url: topic.url },
    log: line => {
      if (line.message === 'measured') measured.push(line.fields as (typeof measured)[number])
    },
  })
  await topic.drained(`public/default/${name}`)
  const { error, recordsOut } = await run.stop()
  if (error) throw error
  // The second instance takes a partition over from the first, and gets again what was not acknowledged by then.
  if (recordsOut < count) throw new Error(`the sink got ${recordsOut} of ${count} records`)
  const first = Math.min(...measured.map(each => each.first))
  const last = Math.max(...measured.map(each => each.last))
  return (measured.reduce((all, { records }) => all + records, 0) / (last - first)) * 1000
}

function readAll(database: ReturnType<typeof open<Buffer, number>>): number {
  const start = performance.now()
  let count = 0
  let bytes = 0
  for (const { value } of database.getRange()) {
    count++
    bytes += value.length
  }
  if (count !== RECORDS || bytes === 0) throw new Error(`lmdb gave ${count} of ${RECORDS} records`)
  return (count / (performance.now() - start)) * 1000
}
