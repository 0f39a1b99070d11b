import { setTimeout as sleep } from 'node:timers/promises'
import { type Home, servicesHome } from './home.ts'
import { sweep } from './lifecycle.ts'
import { tryLock } from './lock.ts'
import { listStates } from './state.ts'

const INTERVAL_MS = 500

/**
 * A process beside the servers that ends those whose users have died, however they died. One per home; it ends by
 * itself when there is no server left to watch.
 */
const watched = async (home: Home): Promise<boolean> => (await listStates(home)).some(state => !state.keep)

async function guard(home: Home): Promise<void> {
  // Looked at once more after the lock is given back: a server started in between found us here and started no guardian.
  while (await watched(home)) {
    const lock = await tryLock(home.locks, 'guardian')
    if (!lock) return
    try {
      while (await watched(home)) {
        await sweep(home)
        await sleep(INTERVAL_MS)
      }
    } finally {
      lock.release()
    }
  }
}

await guard(servicesHome())
