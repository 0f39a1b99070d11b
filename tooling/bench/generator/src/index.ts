import { defineSource, integer, type Source, type SourceContext, type SourceRecord } from '@pulsar-io/sdk'
import * as z from 'zod'
import { type Person, person } from './person.ts'

const options = z.strictObject({
  count: integer({ min: 0 }).default(0).meta({ description: 'Records after which it is done; 0: never' }),
  numbered: z.boolean().default(false).meta({ description: 'Gives each record a place, as EFFECTIVELY_ONCE needs it' }),
})

const BATCH = 100

/** Makes up persons as fast as they are taken. */
class GeneratorSource implements Source<z.output<typeof options>, Person> {
  #count = Number.POSITIVE_INFINITY
  #numbered = false
  #made = 0

  open({ count, numbered }: z.output<typeof options>, _: SourceContext): void {
    this.#count = count === 0 ? Number.POSITIVE_INFINITY : count
    this.#numbered = numbered
  }

  async read(): Promise<readonly SourceRecord<Person>[] | null> {
    const count = Math.min(BATCH, this.#count - this.#made)
    if (count <= 0) return null
    return Array.from({ length: count }, () => {
      const n = this.#made++
      if (!this.#numbered) return { value: person() }
      return { value: person(), partitionId: 'persons', sequence: BigInt(n), offset: { n } }
    })
  }

  close(): void {
    // It holds nothing.
  }
}

export default defineSource({
  name: 'generator',
  summary: 'Makes up persons.',
  config: options,
  delivery: 'replayable',
  schema: { type: 'JSON' },
  create: () => new GeneratorSource(),
})
