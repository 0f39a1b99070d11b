import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import { Worker } from 'node:worker_threads'

/** The first module of a thread or process. */
export const entry = new URL(`./entry${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)

/** MiB of nursery. Batches are short-lived: a larger one would only hold more of their garbage. */
const NURSERY_MB = 8

/** Starts a thread that waits for its {@link Assignment}. `heapMB`: MiB of heap at most, nursery not included. */
export function startThread(name: string, heapMB?: number): Worker {
  return new Worker(entry, {
    name,
    env: threadEnvironment(),
    resourceLimits: {
      maxYoungGenerationSizeMb: NURSERY_MB,
      ...(heapMB === undefined ? {} : { maxOldGenerationSizeMb: heapMB }),
    },
  })
}

/** A thread keeps compiled code from one start to the next only where its environment says so. */
export function threadEnvironment(): NodeJS.ProcessEnv {
  const directory = getCompileCacheDir()
  // What Node tells is a folder for its version inside of the one that it is told.
  return directory === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(directory) }
}
