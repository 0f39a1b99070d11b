import { join } from 'node:path'
import { startConnectors } from '@pulsar-io/engine'
import { open } from 'lmdb'
import { packConnector } from '../pack/pack-connector.ts'
import { ratios, spread } from './stats.ts'
import { BenchTopic, jsonRecords } from './topic.ts'
import type { Bench } from './types.ts'

const RECORDS = 600_000

/** Embedded log → decode JSON → a sink that does nothing, against the same records straight out of lmdb. */
export const log: Bench = async ({ folder, rounds }) => {
  const records = jsonRecords(RECORDS, 1024)
  const archive = join(folder, 'noop.tgz')
  await packConnector(join(import.meta.dirname, 'noop'), archive)
  const topic = await BenchTopic.fill(folder, records, { type: 'JSON' })
  const plain = open<Buffer, number>({ path: join(folder, 'plain'), encoding: 'binary', keyEncoding: 'uint32' })
  await plain.batch(() => {
    for (const [key, record] of records.entries()) plain.put(key, Buffer.from(record))
  })
  const [engine, direct]: [number[], number[]] = [[], []]
  for (let round = 0; round <= rounds; round++) {
    const through = await throughEngine(topic, archive, round)
    const straight = readAll(plain)
    // The first round warms the page cache and does not count.
    if (round === 0) continue
    engine.push(through)
    direct.push(straight)
  }
  await plain.close()
  await topic.close()
  const value = spread(engine)
  const ratio = ratios(engine, direct)
  return [
    {
      name: 'embedded log → JSON → no-op sink, 1 KB records',
      unit: 'records/s',
      value,
      reference: { name: 'lmdb getRange', value: spread(direct), ratio },
      goal: '≥ 100,000 records/s, ratio ≥ 0.5',
      reached: value.median >= 100_000 && ratio.median >= 0.5,
    },
  ]
}

async function throughEngine(topic: BenchTopic, archive: string, round: number): Promise<number> {
  const name = `noop-${round}`
  let measured: { records: number; ms: number } | undefined
  const run = await startConnectors(
    [
      {
        kind: 'sink',
        config: { name, archive, inputs: [topic.name], sourceSubscriptionPosition: 'Earliest' },
      },
    ],
    {
      messaging: { url: topic.url },
      log: line => {
        if (line.message === 'measured') measured = line.fields as typeof measured
      },
    },
  )
  await topic.drained(`public/default/${name}`)
  const result = await run.stop()
  if (result.error) throw result.error
  if (!measured || result.recordsOut !== RECORDS)
    throw new Error(`the sink got ${result.recordsOut} of ${RECORDS} records`)
  return (measured.records / measured.ms) * 1000
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
