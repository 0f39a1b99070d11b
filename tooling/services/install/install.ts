import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Home } from '../home.ts'
import { withLock } from '../lock.ts'
import type { InstallContext } from '../types.ts'

const TIMEOUT_MS = 10 * 60_000

/**
 * The folder `installed/<key>`, filled by `fill` when it is not there yet. It appears as a whole or not at all, and two
 * processes that want it at once fill it once.
 */
export async function installOnce(
  home: Home,
  key: string,
  fill: (context: InstallContext) => Promise<void>,
): Promise<string> {
  const target = join(home.installed, key)
  if (existsSync(target)) return target
  return withLock(home.locks, `install-${key}`, async () => {
    if (existsSync(target)) return target
    await mkdir(home.installed, { recursive: true })
    const prefix = `.${key}-`
    // Under the lock, whatever has our prefix was left by a process that died.
    for (const left of await readdir(home.installed)) {
      if (left.startsWith(prefix)) await rm(join(home.installed, left), { recursive: true, force: true })
    }
    const folder = await mkdtemp(join(home.installed, prefix))
    try {
      await fill({ folder, signal: AbortSignal.timeout(TIMEOUT_MS) })
      await rename(folder, target)
    } catch (error) {
      await rm(folder, { recursive: true, force: true })
      throw error
    }
    return target
  })
}
