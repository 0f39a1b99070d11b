import { isConnectorError } from '@pulsar-io/sdk'
import type { Ask } from './table.ts'

const UNITS = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const
/** What Cassandra has where nobody changed it. */
const DEFAULT_FRAME = 16 * 1024 ** 2
/** Room for what a request says besides its values. */
const OVERHEAD = 64 * 1024

/**
 * How many bytes of values a request may have. A node that gets a larger one may end the connection instead of an
 * answer, and then nobody could tell which record was to blame.
 */
export async function largestRequest(ask: Ask): Promise<number> {
  try {
    const [row] = await ask('SELECT value FROM system_views.settings WHERE name = ?', [
      'native_transport_max_frame_size',
    ])
    return (bytesOf(row?.value) ?? DEFAULT_FRAME) - OVERHEAD
  } catch (error) {
    // Servers before version 4 have no such table, and not every user may read it.
    if (isConnectorError(error) && error.retry !== 'reconnect') return DEFAULT_FRAME - OVERHEAD
    throw error
  }
}

function bytesOf(text: unknown): number | undefined {
  const match = typeof text === 'string' ? /^(\d+)(B|KiB|MiB|GiB)$/.exec(text) : null
  return match ? Number(match[1]) * UNITS[match[2] as keyof typeof UNITS] : undefined
}
