import { afterAll, beforeAll, describe } from 'vitest'
import type { Capabilities, MessagingClient } from '../client.ts'
import { acknowledging } from './acknowledging.ts'
import { producerAccess } from './producer-access.ts'
import { publishing } from './publishing.ts'
import { reading } from './reading.ts'
import { receiving } from './receiving.ts'
import { redelivering } from './redelivering.ts'
import { seeking } from './seeking.ts'
import { sequencing } from './sequencing.ts'
import { Setup } from './setup.ts'
import { storing } from './storing.ts'
import { subscribing } from './subscribing.ts'
import { topicKeeping } from './topic-keeping.ts'

/** The driver under test. */
export interface ConformanceOptions {
  /** A new client of one and the same system; called twice, closed at the end. */
  makeClient(): Promise<MessagingClient>
  /** What the driver claims to do; the rest is skipped, and the skipped title says what is missing. */
  readonly capabilities: Capabilities
  /** Milliseconds to wait for something that has to happen. Default 15000. */
  readonly patienceMs?: number
  /** Milliseconds to wait for something that must not happen. Default 250. */
  readonly quietMs?: number
}

/**
 * Registers the tests of the messaging port with vitest. Titles carry the number of the promise (`MSG-12`), so that a
 * driver's report can be read next to another's. Every test uses topics of its own; the system need not be empty.
 */
export function messagingConformance(name: string, options: ConformanceOptions): void {
  describe(`messaging port: ${name}`, () => {
    const setup = new Setup(options)
    beforeAll(() => setup.open())
    afterAll(() => setup.close())
    publishing(setup)
    sequencing(setup)
    producerAccess(setup)
    subscribing(setup)
    receiving(setup)
    acknowledging(setup)
    redelivering(setup)
    seeking(setup)
    reading(setup)
    topicKeeping(setup)
    storing(setup)
  })
}
