import { messagingConformance } from '@pulsar-io/messaging/conformance'
import { service } from '@pulsar-io/tooling/services'
import { beforeAll, describe } from 'vitest'
import { NATIVE_CAPABILITIES, openNative } from '../src/index.ts'
import { realAddon } from './support/real-addon.ts'

const native = realAddon()
// A broker is only started for somebody who can use it.
const broker = native.available ? await service('pulsar') : { available: false as const, reason: native.reason }
const missing = native.available
  ? broker.available
    ? ''
    : ` (skipped: ${broker.reason})`
  : ` (skipped: ${native.reason})`

describe.skipIf(!native.available || !broker.available)(`with a broker and the addon${missing}`, () => {
  beforeAll(async () => {
    if (!broker.available) return
    const answer = await fetch(`${broker.adminUrl}/admin/v2/namespaces/public/default/deduplication`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: 'true',
    })
    if (!answer.ok) throw new Error(`deduplication: ${answer.status} ${await answer.text()}`)
  })

  messagingConformance('native', {
    makeClient: () => {
      if (!broker.available || !native.available) throw new Error(missing)
      return openNative({ serviceUrl: broker.url, adminUrl: broker.adminUrl, addon: native.addon })
    },
    capabilities: NATIVE_CAPABILITIES,
  })
})
