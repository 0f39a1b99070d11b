import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { withInlineSchemas } from '../src/config/inline-schemas.ts'

const dir = mkdtempSync(join(tmpdir(), 'inline-schemas-'))
afterAll(() => rmSync(dir, { recursive: true }))
const file = join(dir, 'order.avsc')
const definition = '{"type":"record","name":"Order","fields":[]}'
writeFileSync(file, definition)

describe('schemas of a configuration that is sent away', () => {
  it('hold the definitions that are files here', () => {
    const avro = { type: 'AVRO', definition }
    expect(
      withInlineSchemas({
        name: 'es',
        schemaType: `avro:${file}`,
        topicToSchemaType: { a: 'json', b: `avro:${file}` },
        inputSpecs: { c: { schemaType: { type: 'avro', definition: file }, receiverQueueSize: 1 }, d: {} },
      }),
    ).toEqual({
      name: 'es',
      schemaType: avro,
      topicToSchemaType: { a: 'json', b: avro },
      inputSpecs: { c: { schemaType: avro, receiverQueueSize: 1 }, d: {} },
    })
  })

  it('are all looked at before a missing one is told', () => {
    const config = { schemaType: 'avro:nowhere.avsc', topicToSchemaType: { a: 'avro:else.avsc', b: 'json' } }
    expect(() => withInlineSchemas(config)).toThrow(
      /^schemaType: cannot read the definition nowhere\.avsc: there is no such file\ntopicToSchemaType\.a: .*else\.avsc/,
    )
  })
})
