/**
 * The smallest runtime there is, to be killed: writes records `0…total-1` of one partition in batches, and after a
 * restart goes on with the first record that is not known to be in. Arguments: options of the sink as JSON, guarantee,
 * total, file with the number of acknowledged records.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { type BatchSink, formatPosition } from '@pulsar-io/sdk'
import { createSinkContext, records } from '@pulsar-io/testkit'
import { sink } from '../src/index.ts'

const [options = '{}', guarantee, total = '0', acked = ''] = process.argv.slice(2)
const config = sink.parse(JSON.parse(options))
if (!config.ok) throw new Error(JSON.stringify(config.problems))
const context = createSinkContext({ guarantee: guarantee === 'EFFECTIVELY_ONCE' ? guarantee : 'ATLEAST_ONCE' })
const opened = sink.create() as BatchSink
await opened.open(config.config, context)

const at = (n: number) => ({ ledgerId: 1n, entryId: BigInt(n), batchIndex: -1 })
const committed = (await opened.committed?.()) ?? []
const stored = committed.length > 0 ? Number(committed[0]?.position.entryId) + 1 : 0
if (committed.length > 1) throw new Error(`one partition, ${committed.map(entry => formatPosition(entry.position))}`)
// What was acknowledged is not handed out again, so the sink must not have lost it.
let next = Math.max(stored, Number(readFileSync(acked, 'utf8') || 0))
if (guarantee === 'EFFECTIVELY_ONCE' && stored < next)
  throw new Error(`acknowledged ${next}, but only ${stored} are in`)
process.send?.('writing')
while (next < Number(total)) {
  const count = Math.min(1 + (next % 37), Number(total) - next)
  const values = Array.from({ length: count }, (_, i) => ({ n: next + i, pad: 'x'.repeat((next + i) % 300) }))
  const batch = records(values, { position: at(next) })
  const checkpoint = [{ topic: 'persistent://public/default/in', partition: 0, position: at(next + count - 1) }]
  await opened.write(batch, { checkpoint, signal: context.signal })
  next += count
  writeFileSync(acked, String(next))
}
await opened.close()
