import { describe, expect, it } from 'vitest'
import { createSinkContext, createSourceContext, createStateStore, record, records } from '../src/index.ts'

describe('contexts', () => {
  it('remember what the connector did, and take what the test says', () => {
    const context = createSinkContext({ name: 'mine', secrets: { TOKEN: 't' } })
    context.logger.warn('careful', { n: 1 })
    context.metrics.record('hits', 2)
    context.connection('reconnecting', 'away')
    const error = new Error('over')
    context.fatal(error)
    expect(context.name).toBe('mine')
    expect([context.secret('TOKEN'), context.secret('OTHER')]).toEqual(['t', undefined])
    expect(context.logger.entries).toEqual([{ level: 'warn', message: 'careful', fields: { n: 1 } }])
    expect(context.logger.messages('info')).toEqual([])
    expect(context.recorded).toEqual([{ name: 'hits', value: 2 }])
    expect(context.connections).toEqual([{ state: 'reconnecting', reason: 'away' }])
    expect(context.fatals).toEqual([error])
  })

  it('stop aborts the signal', () => {
    const context = createSourceContext()
    expect(context.signal.aborted).toBe(false)
    context.stop()
    expect(context.signal.aborted).toBe(true)
  })
})

it('records have rising positions', () => {
  expect(record('a', { key: 'k' })).toMatchObject({ value: 'a', key: 'k', partition: 0 })
  const made = records([1, null], { position: { ledgerId: 5n, entryId: 7n, batchIndex: -1 } })
  expect(made.map(({ value, position }) => [value, position.entryId])).toEqual([
    [1, 7n],
    [null, 8n],
  ])
})

it('the state store keeps copies and counts', async () => {
  const store = createStateStore()
  const value = new Uint8Array([1])
  await store.put('k', value)
  value[0] = 2
  expect(await store.get('k')).toEqual(new Uint8Array([1]))
  await store.delete('k')
  expect(await store.get('k')).toBeUndefined()
  expect([await store.increment('n'), await store.increment('n', 5n)]).toEqual([1n, 6n])
})
