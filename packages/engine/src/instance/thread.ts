import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'

/** The first module of a thread or process. */
export const entry = new URL(`./entry${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)

/** A thread keeps compiled code from one start to the next only where its environment says so. */
export function threadEnvironment(): NodeJS.ProcessEnv {
  const directory = getCompileCacheDir()
  // What Node tells is a folder for its version inside of the one that it is told.
  return directory === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(directory) }
}
