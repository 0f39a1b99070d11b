import { homedir } from 'node:os'
import { join } from 'node:path'

/** Folders under which installed servers and the state of running ones live. */
export interface Home {
  readonly root: string
  readonly installed: string
  readonly instances: string
  readonly locks: string
}

/** `$SERVICES_HOME`, or `pulsar-io-services` in the user's cache folder. */
export function servicesHome(env: NodeJS.ProcessEnv = process.env): Home {
  const root = env.SERVICES_HOME || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'pulsar-io-services')
  return {
    root,
    installed: join(root, 'installed'),
    instances: join(root, 'instances'),
    locks: join(root, 'locks'),
  }
}
