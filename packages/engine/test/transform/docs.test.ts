import { readFileSync } from 'node:fs'
import { isConnectorError, parseJson, stringifyJson } from '@pulsar-io/sdk'
import { describe, expect, it } from 'vitest'
import { compileTransforms, type Subject } from '../../src/transform/index.ts'

const text = readFileSync(new URL('../../../../docs/transforms.md', import.meta.url), 'utf8')
const examples = [...text.matchAll(/^```transform\n([\s\S]*?)^```$/gm)].map(([, block = '']) => {
  const [transform = '', input = '', output = ''] = block.trim().split('\n')
  return [transform, input.replace(/^< /, ''), output] as const
})

describe('docs/transforms.md', () => {
  it.each(examples)('%s', async (transform, input, output) => {
    const chain = await compileTransforms([transform], { secret: () => undefined, checkOnly: false })
    const record: Subject = {
      value: parseJson(input),
      key: undefined,
      topic: 'persistent://public/default/t',
      properties: {},
      eventTime: undefined,
    }
    const expected = output.startsWith('> ') ? `> ${stringifyJson(parseJson(output.slice(2)))}` : output
    expect(await outcome(chain?.run.bind(chain, record), record)).toBe(expected)
  })

  it('has an example of every transform', () => {
    const names = ['drop', 'keep', 'rename', 'mask', 'hash', 'cast', 'filter', 'flatten', 'phone', 'jsonata']
    const shown = new Set(examples.map(([transform]) => /[a-z]+/.exec(transform)?.[0]))
    expect(names.filter(name => !shown.has(name))).toEqual([])
  })
})

/** As the page writes it. */
async function outcome(run: (() => boolean | Promise<boolean>) | undefined, record: Subject): Promise<string> {
  try {
    if (!(await run?.())) return '-'
  } catch (error) {
    if (!isConnectorError(error)) throw error
    return `! ${error.message}`
  }
  return `> ${stringifyJson(record.value)}`
}
