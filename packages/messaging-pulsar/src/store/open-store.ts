import type { KeyValueStore, Topics } from '@pulsar-io/messaging'
import type { ClientContext } from '../context.ts'
import { usageError } from '../errors.ts'

/** Opens a store. */
export async function openStore(
  _context: ClientContext,
  _topics: Topics,
  name: string,
  _onClose: (store: KeyValueStore) => void,
): Promise<KeyValueStore> {
  throw usageError(`no store yet: ${name}`)
}
