import { getCompileCacheDir } from 'node:module'

/** The first module of a thread or process. */
export const entry = new URL(`./entry${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)

/** A thread keeps compiled code from one start to the next only where its environment says so. */
export function threadEnvironment(): NodeJS.ProcessEnv {
  const directory = getCompileCacheDir()
  return directory === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: directory }
}
