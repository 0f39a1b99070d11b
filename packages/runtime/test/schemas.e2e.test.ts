import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cli } from './cli.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'runtime-schemas-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const order = (...more: readonly object[]) =>
  JSON.stringify({
    type: 'record',
    name: 'Order',
    fields: [{ name: 'id', type: 'long' }, { name: 'price', type: decimal }, ...more],
  })
const decimal = { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 }

describe('topics with schemas', () => {
  it('take lines of JSON for Avro, and show each record by the schema it was written with', async () => {
    await writeFile(join(dir, 'order.avsc'), order())
    const first = await cli(
      dir,
      ['topics', 'produce', 'orders', '--schema', 'avro:order.avsc', '--key-field', 'id'],
      '{"id":9007199254740993,"price":"12.30"}\n',
    )
    expect(first).toEqual({ code: 0, stdout: '', stderr: '1 record acknowledged\n' })
    const wider = order({ name: 'note', type: ['null', 'string'], default: null })
    await cli(dir, ['topics', 'produce', 'orders', '--schema', `avro:${wider}`], '{"id":2,"price":1.5,"note":"n"}\n')
    // The newest schema is the topic's.
    await cli(dir, ['topics', 'produce', 'orders'], '{"id":3,"price":0}\n')
    const values = await cli(dir, ['topics', 'consume', 'orders'])
    expect(values.stdout).toBe(
      '{"id":9007199254740993,"price":"12.30"}\n{"id":2,"price":"1.50","note":"n"}\n{"id":3,"price":"0.00","note":null}\n',
    )
    const lines = await cli(dir, ['topics', 'consume', 'orders', '--output', 'json', '-n', '1'])
    expect(lines.stdout).toMatch(/"key":"9007199254740993","value":\{"id":9007199254740993,"price":"12\.30"\}/)
  })

  it('take key and value of a KEY_VALUE topic from a line', async () => {
    const schema = { type: 'KEY_VALUE', keyValue: { key: 'int32', value: 'json', encoding: 'SEPARATED' } }
    const args = ['topics', 'produce', 'pairs', '--schema', JSON.stringify(schema)]
    expect(await cli(dir, args, '{"key":5,"value":{"a":1}}\n{"key":6,"value":null}\n')).toMatchObject({ code: 0 })
    const lines = (await cli(dir, ['topics', 'consume', 'pairs', '--output', 'json'])).stdout.trim().split('\n')
    expect(lines.map(line => JSON.parse(line) as unknown)).toMatchObject([
      { key: 'AAAABQ==', keyEncoding: 'base64', keyValue: 5, value: { a: 1 } },
      { keyValue: 6, value: null },
    ])
  })

  it('say what is wrong with a line or a schema', async () => {
    const bad = await cli(dir, ['topics', 'produce', 't', '--schema', `avro:${order()}`], '{"id":1,"price":"x"}\n')
    expect(bad).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        'standard input:1: value does not fit the AVRO schema: price: expected a decimal',
      ),
    })
    const missing = await cli(dir, ['topics', 'produce', 't2', '--schema', 'avro:absent.avsc'], '')
    expect(missing).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--schema: cannot read the definition: there is no such file'),
    })
    const unknown = await cli(dir, ['topics', 'produce', 't3', '--schema', 'jsn'], '')
    expect(unknown.stderr).toContain('did you mean json?')
  })
})
