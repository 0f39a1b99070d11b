import type { MessagingClient } from '@pulsar-io/messaging'
import { ConfigError, type SchemaInfo } from '@pulsar-io/sdk'
import { describe, expect, it } from 'vitest'
import type { TaskServices } from '../../src/task/context.ts'
import { explainRefusal } from '../../src/task/incompatible-schema.ts'
import { TaskStats } from '../../src/task/stats.ts'

const TOPIC = 'persistent://public/default/t'
const avro = (...names: readonly string[]): SchemaInfo => ({
  type: 'AVRO',
  definition: JSON.stringify({ type: 'record', name: 'R', fields: names.map(name => ({ name, type: 'int' })) }),
})

/** A client that knows as much of the topic as it is told. */
function explain(thrown: unknown, topics: Partial<MessagingClient['topics']>) {
  const services = { stats: new TaskStats(text => text) } as TaskServices
  return explainRefusal(thrown, TOPIC, avro('a', 'b'), { topics } as MessagingClient, services)
}

const refusal = new ConfigError([{ path: '', message: 'Incompatible schema' }], { code: 'PIO_SCHEMA_INCOMPATIBLE' })

describe('a schema that the topic refuses', () => {
  it('is explained by both versions, the difference and the rule', async () => {
    const stats = async () => ({ schema: { ...avro('a'), version: '4' } }) as never
    const error = await explain(refusal, { stats, schemaRule: async () => 'FULL' })
    expect(error).toMatchObject({ code: 'PIO_SCHEMA_INCOMPATIBLE', retry: 'stop', cause: refusal })
    expect((error as Error).message).toMatch(
      /^schemaType: .*\/t refuses the schema: the topic has AVRO \(version 4\), this connector writes AVRO \(a new version\); difference: b was added without a default; rule FULL/,
    )
  })

  it('is told all the same when nothing else may be asked', async () => {
    const error = await explain(refusal, { stats: async () => Promise.reject(new Error('forbidden')) })
    expect((error as Error).message).toContain('the broker says: Incompatible schema')
  })

  it('does not touch other errors', async () => {
    const other = new Error('away')
    expect(await explain(other, {})).toBe(other)
  })
})
