import { randomBytes } from 'node:crypto'
import { run as runCommand } from './command.ts'
import {
  createContainer,
  execInContainer,
  killContainer,
  removeContainer,
  resumeContainer,
  stopContainer,
} from './container.ts'
import type { Home } from './home.ts'
import { installOnce } from './install/install.ts'
import { probeOnce, spawnServer, waitUntilReady } from './local-process.ts'
import { forgetLock, tryLock, withLock } from './lock.ts'
import { freePorts } from './ports.ts'
import { isAlive, slay, terminate } from './process-identity.ts'
import { startGuardian } from './start-guardian.ts'
import {
  type InstanceState,
  instanceFolder,
  type Lease,
  listStates,
  liveLeases,
  readState,
  removeInstance,
  usersOf,
  withLease,
  writeState,
} from './state.ts'
import type { Credentials, ServerDescriptor, Users } from './types.ts'

/** How servers are started on this machine. */
export type Backend = 'container' | 'local'

export interface Acquire {
  readonly home: Home
  readonly id: string
  readonly backend: Backend
  /** Who uses it; nobody when it is started by hand. */
  readonly lease?: Lease
  /** Started by hand. */
  readonly keep?: boolean
}

/** The installed tree of a server that is started locally. */
export function install(home: Home, descriptor: ServerDescriptor): Promise<string> {
  return installOnce(home, descriptor.local.key, context => descriptor.local.install(context))
}

/** The running instance `id`, started when there is none, with the lease added. */
export async function acquire(descriptor: ServerDescriptor, options: Acquire): Promise<InstanceState> {
  const { home, id } = options
  // Outside of the instance's lock: others may go on with a running server meanwhile.
  if (options.backend === 'local' && !(await readState(home, id))) await install(home, descriptor)
  return withLock(home.locks, id, async () => {
    const existing = await readState(home, id)
    if (existing && (await isUsable(descriptor, existing))) {
      const leased = options.lease ? withLease(existing, options.lease) : existing
      const state = options.keep ? { ...leased, keep: true } : leased
      await writeState(home, state)
      return state
    }
    if (existing) await end(home, existing)
    await removeInstance(home, id)
    const ports = await freePorts(
      options.backend === 'local' ? descriptor.local.portCount : (descriptor.container?.portCount ?? 1),
    )
    const state: InstanceState = {
      id,
      server: descriptor.name,
      origin: options.backend,
      url: `${descriptor.scheme}://127.0.0.1:${ports[0]}`,
      ...(descriptor.admin ? { adminUrl: `${descriptor.admin.scheme}://127.0.0.1:${ports[1]}` } : {}),
      ports,
      ready: false,
      keep: options.keep ?? false,
      // Whoever was using a server that died keeps its right to the new one.
      leases: [...(existing ? liveLeases(existing) : []), ...(options.lease ? [options.lease] : [])],
      ...generateUsers(descriptor),
    }
    return run(home, descriptor, state)
  })
}

/** Starts what `state` describes, on its port and data, and waits until it is ready. To be called under the lock. */
export async function run(home: Home, descriptor: ServerDescriptor, state: InstanceState): Promise<InstanceState> {
  return state.origin === 'local' ? runLocal(home, descriptor, state) : runContainer(home, descriptor, state)
}

async function runLocal(home: Home, descriptor: ServerDescriptor, state: InstanceState): Promise<InstanceState> {
  const installation = await install(home, descriptor)
  const folder = instanceFolder(home, state.id)
  const launch = await descriptor.local.launch({ ...usersOf(state), installation, folder, ports: state.ports })
  const spawned = await spawnServer(launch, folder)
  const started: InstanceState = { ...state, ready: false, process: spawned.identity }
  // Written before the wait: whoever dies in it leaves a server that others can find and end.
  await record(home, started)
  const version = await waitUntilReady(descriptor, state, folder, spawned)
  const ready = { ...started, ready: true, version }
  await writeState(home, ready)
  return ready
}

async function runContainer(home: Home, descriptor: ServerDescriptor, state: InstanceState): Promise<InstanceState> {
  const containerId = state.containerId ?? (await createContainer(descriptor, state))
  const started: InstanceState = { ...state, ready: false, containerId }
  await record(home, started)
  const version = await resumeContainer(descriptor, started, containerId)
  const ready = { ...started, ready: true, version }
  await writeState(home, ready)
  return ready
}

async function record(home: Home, started: InstanceState): Promise<void> {
  await writeState(home, started)
  if (!started.keep) startGuardian(home)
}

function generateUsers({ users }: ServerDescriptor): Users {
  if (!users) return {}
  const random = (): string => randomBytes(18).toString('base64url')
  const user = (username: string): Credentials => ({ username, password: (users.password ?? random)(username) })
  return { credentials: user(users.owner), ...(users.readOnly ? { readOnly: user(users.readOnly) } : {}) }
}

async function isUsable(descriptor: ServerDescriptor, state: InstanceState): Promise<boolean> {
  if (!state.ready || (state.process && !isAlive(state.process))) return false
  try {
    await probeOnce(descriptor, state)
    return true
  } catch {
    return false // a server that does not answer is replaced
  }
}

/** Stops in good order; data and state stay. */
export async function halt(state: InstanceState): Promise<void> {
  if (state.process) await terminate(state.process)
  if (state.containerId) await stopContainer(state.containerId)
}

/** Ends as a crash would; data and state stay. */
export async function crash(state: InstanceState): Promise<void> {
  if (state.process) await slay(state.process)
  if (state.containerId) await killContainer(state.containerId)
}

/** Runs the server's own administration command. @throws where it has none, and when the command fails. */
export async function control(
  home: Home,
  descriptor: ServerDescriptor,
  state: InstanceState,
  args: readonly string[],
): Promise<string> {
  const inside = descriptor.container?.control?.(args)
  if (state.containerId && inside) return execInContainer(state.containerId, inside)
  if (state.containerId || !descriptor.local.control)
    throw new Error(`${descriptor.title} has no administration command here`)
  const installation = await install(home, descriptor)
  const context = { ...usersOf(state), installation, folder: instanceFolder(home, state.id), ports: state.ports }
  const { command, args: all, env } = descriptor.local.control(context, args)
  return runCommand(command, all, { env: { ...process.env, ...env } })
}

/** Stops the server and removes it with its data. To be called under its lock. */
async function end(home: Home, state: InstanceState): Promise<void> {
  if (state.process) await terminate(state.process)
  if (state.containerId) await removeContainer(state.containerId)
  await removeInstance(home, state.id)
  // The name of a dedicated instance is never used again.
  if (state.id !== state.server) await forgetLock(home.locks, state.id)
}

/** Ends the instance whoever uses it. Gives whether there was one. */
export function endById(home: Home, id: string): Promise<boolean> {
  return withLock(home.locks, id, async () => {
    const state = await readState(home, id)
    if (state) await end(home, state)
    return state !== undefined
  })
}

/** Gives up every lease of a test run and ends the servers that nobody else uses. */
export async function releaseRun(home: Home, run: string): Promise<void> {
  const mine = (await listStates(home)).filter(state => state.leases.some(lease => lease.run === run))
  await Promise.all(
    mine.map(({ id }) =>
      withLock(home.locks, id, async () => {
        const state = await readState(home, id)
        if (!state) return
        const leases = liveLeases(state).filter(lease => lease.run !== run)
        if (leases.length === 0 && !state.keep) await end(home, state)
        else await writeState(home, { ...state, leases })
      }),
    ),
  )
}

/** Ends the servers whose every user has died. Passes over those that somebody is just starting or ending. */
export async function sweep(home: Home): Promise<void> {
  for (const { id } of (await listStates(home)).filter(isAbandoned)) {
    const lock = await tryLock(home.locks, id)
    if (!lock) continue
    try {
      const state = await readState(home, id)
      if (state && isAbandoned(state)) await end(home, state)
    } finally {
      lock.release()
    }
  }
}

const isAbandoned = (state: InstanceState): boolean => !state.keep && liveLeases(state).length === 0
