import { randomInt } from 'node:crypto'
import { service } from '@pulsar-io/tooling/services'
import { afterAll, describe, expect, it } from 'vitest'
import { workspace } from '../support/workspace.ts'
import { disturbancesOf, inTurn } from './faults.ts'
import { fileToTopic, topicToFile } from './flows.ts'
import { onPulsar } from './place.ts'
import { judge } from './scenario.ts'

/** A failure prints it; `GUARANTEE_SEED` repeats it. */
const SEED = Number(process.env.GUARANTEE_SEED ?? randomInt(2 ** 31))

const broker = await service('pulsar', { dedicated: true })

describe.skipIf(!broker.available)('the broker is restarted, and killed with -9', { timeout: 300_000 }, () => {
  if (!broker.available) return
  afterAll(() => broker.close())

  // The other pairs, and more of these, are for `pnpm faults`: a broker takes long to start.
  it.each([
    ['file source → topic', fileToTopic, 'EFFECTIVELY_ONCE'],
    ['topic → file sink', topicToFile, 'ATLEAST_ONCE'],
    ['topic → file sink', topicToFile, 'EFFECTIVELY_ONCE'],
  ] as const)('%s keeps its promise: %3$s', async (_, makeFlow, guarantee) => {
    const place = await onPulsar(broker)
    const faults = disturbancesOf(place, guarantee).filter(({ name }) => name.startsWith('broker'))
    const { broken, about } = await judge(await workspace(), makeFlow(50_000, place), guarantee, inTurn(faults), {
      times: faults.length,
      seed: SEED,
    })
    expect(broken, about).toEqual([])
  })
})
