import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Home } from './home.ts'
import { isAlive, type ProcessIdentity } from './process-identity.ts'
import type { Users } from './types.ts'

/** One user of a started server. The server lives as long as one of its leases' processes does. */
export interface Lease extends ProcessIdentity {
  /** The test run it belongs to, see `run.ts`. */
  readonly run?: string
}

/** What is known about one started server; the content of `instances/<id>/state.json`, written under the lock `<id>`. */
export interface InstanceState extends Users {
  /** Equals `server` for the shared instance. */
  readonly id: string
  readonly server: string
  readonly origin: 'local' | 'container'
  readonly url: string
  readonly adminUrl?: string
  readonly ports: readonly number[]
  readonly version?: string
  readonly ready: boolean
  readonly process?: ProcessIdentity
  readonly containerId?: string
  /** Started by hand: stays until it is stopped by hand. */
  readonly keep: boolean
  readonly leases: readonly Lease[]
}

export const instanceFolder = (home: Home, id: string): string => join(home.instances, id)

const stateFile = (home: Home, id: string): string => join(instanceFolder(home, id), 'state.json')

/** The recorded state, or `undefined` when there is none or it cannot be read as such. */
export async function readState(home: Home, id: string): Promise<InstanceState | undefined> {
  let text: string
  try {
    text = await readFile(stateFile(home, id), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  return JSON.parse(text) as InstanceState
}

/** Replaces the state as a whole; only the user may read it, for it may hold a password. */
export async function writeState(home: Home, state: InstanceState): Promise<void> {
  await mkdir(instanceFolder(home, state.id), { recursive: true })
  const file = stateFile(home, state.id)
  const temporary = `${file}.${process.pid}.tmp`
  await writeFile(temporary, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
  await rename(temporary, file)
}

/** Removes the instance with its data. */
export async function removeInstance(home: Home, id: string): Promise<void> {
  await rm(instanceFolder(home, id), { recursive: true, force: true, maxRetries: 5 })
}

export async function listStates(home: Home): Promise<InstanceState[]> {
  let ids: string[]
  try {
    ids = await readdir(home.instances)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  const states = await Promise.all(ids.sort().map(id => readState(home, id)))
  return states.filter(state => state !== undefined)
}

export const liveLeases = (state: InstanceState): Lease[] => state.leases.filter(isAlive)

/** Adds the lease, once, and forgets those whose process has ended. */
export function withLease(state: InstanceState, lease: Lease): InstanceState {
  const others = liveLeases(state).filter(l => l.pid !== lease.pid)
  return { ...state, leases: [...others, lease] }
}

/** The users alone, without the rest of the state. */
export function usersOf({ credentials, readOnly }: Users): Users {
  return { ...(credentials ? { credentials } : {}), ...(readOnly ? { readOnly } : {}) }
}
