/**
 * A runtime for a source, to be killed: appends each record to a "topic" that drops sequences it has seen, as a broker
 * does, and stores the offset afterwards. Arguments: options as JSON, path of the topic, path of the
 * offsets, and how many records the topic has at the end (default: never).
 */
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { Offset, Source } from '@pulsar-io/sdk'
import { createSourceContext } from '@pulsar-io/testkit'
import { source } from '../src/index.ts'

const [options = '{}', topic = '', store = '', end = 'Infinity'] = process.argv.slice(2)
const config = source.parse(JSON.parse(options))
if (!config.ok) throw new Error(JSON.stringify(config.problems))
const offsets = new Map<string, Offset>(existsSync(store) ? JSON.parse(readFileSync(store, 'utf8')) : [])
const sequences = new Map<string, bigint>()
let published = 0
if (existsSync(topic))
  for (const line of readFileSync(topic, 'utf8').split('\n').slice(0, -1)) {
    const [id = '', sequence = ''] = line.split(' ')
    sequences.set(id, BigInt(sequence))
    published++
  }
const context = createSourceContext({ guarantee: 'EFFECTIVELY_ONCE', offsets })
const opened = source.create() as Source
await opened.open(config.config, context)
process.send?.('reading')
while (published < Number(end)) {
  const read = await opened.read()
  if (read === null) break
  for (const { partitionId = '', sequence = -1n, value, offset } of [read].flat()) {
    if (sequence > (sequences.get(partitionId) ?? -1n)) {
      appendFileSync(topic, `${partitionId} ${sequence} ${value}\n`)
      sequences.set(partitionId, sequence)
      published++
    }
    if (offset) offsets.set(partitionId, offset)
    writeFileSync(`${store}.new`, JSON.stringify([...offsets]))
    renameSync(`${store}.new`, store)
  }
}
await opened.close()
