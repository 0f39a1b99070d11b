import { messagingConformance } from '@pulsar-io/messaging/conformance'
import { beforeAll, describe } from 'vitest'
import { PULSAR_CAPABILITIES } from '../src/index.ts'
import { broker, connect, setPolicy } from './support/broker.ts'

describe.skipIf(!broker.available)('with a broker', () => {
  beforeAll(() => setPolicy('deduplication', true))

  // One message to an entry: brokers count entries, and hand out entries.
  messagingConformance('pulsar', {
    makeClient: () => connect({ producer: { batching: { enabled: false } } }),
    capabilities: PULSAR_CAPABILITIES,
  })

  messagingConformance('pulsar with batches', {
    makeClient: () => connect(),
    capabilities: PULSAR_CAPABILITIES,
  })
})
