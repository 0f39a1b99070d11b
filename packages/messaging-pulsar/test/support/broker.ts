import { randomBytes } from 'node:crypto'
import { type AvailableService, service } from '@pulsar-io/tooling/services'
import { openPulsar, type PulsarClient, type PulsarOptions } from '../../src/index.ts'

/** The broker of the run, or why there is none. */
export const broker = await service('pulsar')

/** A client of it. */
export function connect(
  options: Partial<PulsarOptions> = {},
  to: AvailableService = available(),
): Promise<PulsarClient> {
  return openPulsar({ serviceUrl: to.url, ...(to.adminUrl === undefined ? {} : { adminUrl: to.adminUrl }), ...options })
}

/** A topic name that is used for the first time. */
export function freshTopic(): string {
  return `persistent://public/default/t-${randomBytes(6).toString('hex')}`
}

/** Switches a policy of `public/default` on; the tests share the namespace. */
export async function setPolicy(path: string, body: unknown): Promise<void> {
  const answer = await fetch(`${available().adminUrl}/admin/v2/namespaces/public/default/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
}

function available(): AvailableService {
  if (!broker.available) throw new Error(broker.reason)
  return broker
}

/** Makes the broker give a topic up, as when it moves to another one. */
export async function unload(topic: string): Promise<void> {
  const path = topic.replace('://', '/')
  const answer = await fetch(`${available().adminUrl}/admin/v2/${path}/unload`, { method: 'PUT' })
  if (!answer.ok) throw new Error(`unload: ${answer.status} ${await answer.text()}`)
}
