import { createRequire } from 'node:module'
import type { Capabilities, MessagingClient } from '@pulsar-io/messaging'
import { describe, expect, it } from 'vitest'
import { needsOwnProcess, openMessaging } from '../src/messaging.ts'
import type { TaskServices } from '../src/task/context.ts'
import { requireDeduplication } from '../src/task/deduplication.ts'

/** Whether the addon has its binary here, which the package does not hold. */
function addonIsThere(): boolean {
  try {
    createRequire(new URL('../../messaging-native/package.json', import.meta.url))('pulsar-client')
    return true
  } catch {
    return false
  }
}

describe('the native driver', () => {
  it.skipIf(addonIsThere())('is asked for, and says that its binary is missing', async () => {
    const opening = openMessaging({ url: 'pulsar://127.0.0.1:1', driver: 'native' })
    await expect(opening).rejects.toMatchObject({ code: 'PIO_NATIVE_BINDING', retry: 'stop' })
  })

  it('has no say about the embedded log', async () => {
    const opening = openMessaging({ url: 'embedded:nowhere', driver: 'native' })
    await expect(opening).rejects.toMatchObject({ code: 'PIO_MESSAGING_URL' })
  })

  it('needs a process for each instance, and the others do not', () => {
    const url = 'pulsar://broker:6650'
    expect(needsOwnProcess({ url, driver: 'native' })).toBe(true)
    expect(needsOwnProcess({ url })).toBe(false)
  })
})

describe('EFFECTIVELY_ONCE', () => {
  const client = (capabilities: Partial<Capabilities>) =>
    ({ capabilities, topics: { deduplication: async () => 'on' } }) as unknown as MessagingClient
  const services = { log: () => undefined } as unknown as TaskServices

  it.each([
    { deduplication: true, lastSequenceId: false },
    { deduplication: false, lastSequenceId: true },
  ])('is refused with a driver of %j', async capabilities => {
    const asked = requireDeduplication(client(capabilities), 't', services)
    await expect(asked).rejects.toMatchObject({ code: 'PIO_DRIVER_GUARANTEE', retry: 'stop' })
    await expect(asked).rejects.toThrow(/persistent:\/\/public\/default\/t .*ATLEAST_ONCE/)
  })

  it('is taken where the driver and the topic can', async () => {
    await requireDeduplication(client({ deduplication: true, lastSequenceId: true }), 't', services)
  })
})
