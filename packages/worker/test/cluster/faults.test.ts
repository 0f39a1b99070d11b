import { describe, it } from 'vitest'
import { seed, torment } from './process/torment.ts'

describe('three worker processes on an embedded log', () => {
  it(`run each instance once, whoever dies or stands still (PIO_SEED=${seed})`, async () => {
    await torment({ namespace: 'public/functions', leaseMs: 1_500, instances: 6 }, 20)
  }, 600_000)
})
