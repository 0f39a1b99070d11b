import { describe, it } from 'vitest'
import { seed, torment } from './process/torment.ts'

/** The lease of a real worker shows real times; in every run a shorter one has to do. */
const leaseMs = Number(process.env.PIO_LEASE_MS ?? 1_500)
const faults = Number(process.env.PIO_FAULTS ?? 20)

describe('three worker processes on an embedded log', () => {
  it(`run each instance once, whoever dies or stands still (PIO_SEED=${seed})`, async () => {
    await torment({ namespace: 'public/functions', leaseMs, instances: 6 }, faults)
  }, 600_000)
})
