import { describe, it } from 'vitest'
import { tormentPipelines } from './process/pipelines.ts'
import { seed } from './process/torment.ts'

/** Some ninety take ten minutes. */
const faults = Number(process.env.PIO_FAULTS ?? 6)

describe('three runtime workers on one log', () => {
  it(`lose no record and write none twice, whoever dies or stands still (PIO_SEED=${seed})`, async () => {
    await tormentPipelines({ namespace: 'public/default', pauses: true }, faults)
  }, 900_000)
})
