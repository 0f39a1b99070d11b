import { createRequire } from 'node:module'
import { isConnectorError } from '@pulsar-io/sdk'
import type { Addon } from '../../src/addon.ts'
import { loadAddon } from '../../src/load-addon.ts'

/** The addon with its binary, or why there is none. `PULSAR_CLIENT_PATH` names the folder of another one. */
export type RealAddon =
  | { readonly available: true; readonly addon: Addon }
  | { readonly available: false; readonly reason: string }

export function realAddon(): RealAddon {
  const path = process.env.PULSAR_CLIENT_PATH
  try {
    const require = createRequire(import.meta.url)
    // Test files may run in threads of their own, one at a time.
    return { available: true, addon: loadAddon(() => require(path ?? 'pulsar-client'), true) }
  } catch (error) {
    if (path !== undefined || !isConnectorError(error)) throw error
    return { available: false, reason: error.message }
  }
}
