import { messageWithCauses } from '@pulsar-io/engine'

/** What anything that was thrown says, for the log. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? messageWithCauses(error) : String(error)
}
