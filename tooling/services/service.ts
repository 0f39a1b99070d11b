import { randomBytes } from 'node:crypto'
import { engineAnswers } from './container.ts'
import { type Home, servicesHome } from './home.ts'
import { acquire, type Backend, control, crash, endById, halt, run, sweep } from './lifecycle.ts'
import { probeOnce } from './local-process.ts'
import { withLock } from './lock.ts'
import { dedicatedLease, sharedLease } from './run.ts'
import { type InstanceState, readState, usersOf, writeState } from './state.ts'
import {
  type AvailableService,
  type Connection,
  type DedicatedService,
  MissingPrerequisite,
  type ServerDescriptor,
  type Service,
  type UnavailableService,
} from './types.ts'

type Admin = NonNullable<ServerDescriptor['admin']>

/** What the resolution depends on; tests put their own in. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv
  readonly home: Home
  engineAnswers(env: NodeJS.ProcessEnv): Promise<boolean>
}

export const realSurroundings = (env: NodeJS.ProcessEnv = process.env): Surroundings => ({
  env,
  home: servicesHome(env),
  engineAnswers,
})

/** CI is set, and not to a word for no. */
export const inContinuousIntegration = (env: NodeJS.ProcessEnv): boolean => !/^(|0|false|no)$/i.test(env.CI ?? '')

/** The shared server of that kind: from the environment, a container, or this machine, in this order. */
export async function resolveShared(descriptor: ServerDescriptor, around: Surroundings): Promise<Service> {
  const address = around.env[descriptor.variable]
  const found = address
    ? await fromEnvironment(descriptor, address, around.env)
    : await firstBackend(descriptor, around, async backend =>
        toService(
          await acquire(descriptor, {
            home: around.home,
            id: descriptor.name,
            backend,
            lease: sharedLease(around.env),
          }),
        ),
      )
  return required(descriptor, found, around.env)
}

/** A server of the caller's own. The address in the environment is never used: it is not ours to hurt. */
export async function resolveDedicated(
  descriptor: ServerDescriptor,
  around: Surroundings,
): Promise<DedicatedService | UnavailableService> {
  const id = `${descriptor.name}-${process.pid}-${randomBytes(4).toString('hex')}`
  const found = await firstBackend(descriptor, around, async backend => {
    const lease = dedicatedLease(around.env)
    return dedicated(around.home, descriptor, await acquire(descriptor, { home: around.home, id, backend, lease }))
  })
  return required(descriptor, found, around.env)
}

/** @throws in continuous integration, where a test that silently does not run is worse than one that fails. */
function required<T extends Service>(
  { mayBeMissing }: ServerDescriptor,
  found: T | UnavailableService,
  env: NodeJS.ProcessEnv,
): T | UnavailableService {
  if (!found.available && mayBeMissing === undefined && inContinuousIntegration(env)) {
    throw new Error(`CI is set, so the service ${found.name} is required, but ${found.reason}`)
  }
  return found
}

async function fromEnvironment(
  descriptor: ServerDescriptor,
  address: string,
  env: NodeJS.ProcessEnv,
): Promise<Service> {
  const { name, variable, admin } = descriptor
  const parsed = parseAddress(address)
  const connection = parsed && admin ? { ...parsed, adminUrl: adminAddress(parsed.url, admin, env) } : parsed
  if (!connection) return { available: false, name, reason: `${variable} is not a URL such as http://127.0.0.1:9200` }
  try {
    const version = await probeOnce(descriptor, connection)
    return { available: true, name, ...connection, version, origin: 'environment' }
  } catch (error) {
    const reason = `the server at ${connection.url} (from ${variable}) does not answer as it should: ${explain(error)}`
    return { available: false, name, reason }
  }
}

/** Splits user and password off an address. */
export function parseAddress(address: string): Connection | undefined {
  if (!URL.canParse(address)) return undefined
  const url = new URL(address)
  const credentials = { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) }
  url.username = ''
  url.password = ''
  const bare = { url: url.href.replace(/\/$/, '') }
  return credentials.username === '' ? bare : { ...bare, credentials }
}

/** From the environment, or the usual port on the server's host. */
function adminAddress(url: string, { variable, scheme, port }: Admin, env: NodeJS.ProcessEnv): string {
  return env[variable]?.replace(/\/$/, '') || `${scheme}://${new URL(url).hostname}:${port}`
}

/** `fetch` says only "fetch failed"; the cause says why. */
function explain(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? `${message}: ${cause.message || (cause as NodeJS.ErrnoException).code}` : message
}

/** What `start` gives on the first backend that works here, or why none does. */
async function firstBackend<T extends Service>(
  descriptor: ServerDescriptor,
  around: Surroundings,
  start: (backend: Backend) => Promise<T>,
): Promise<T | UnavailableService> {
  // What a run left that died together with its guardian.
  await sweep(around.home)
  const reasons = around.env[descriptor.variable] ? [] : [`${descriptor.variable} is not set`]
  if (!descriptor.container || !(await around.engineAnswers(around.env))) {
    reasons.push('no container engine answers')
  } else {
    try {
      return await start('container')
    } catch (error) {
      reasons.push(`a container could not be started: ${explain(error)}`)
    }
  }
  try {
    return await start('local')
  } catch (error) {
    if (!(error instanceof MissingPrerequisite)) throw error
    reasons.push(`it cannot be started from packages: ${error.message}`)
  }
  return { available: false, name: descriptor.name, reason: `${descriptor.title}: ${reasons.join('; ')}` }
}

function toService(state: InstanceState): AvailableService {
  return {
    available: true,
    name: state.server,
    url: state.url,
    ...(state.adminUrl === undefined ? {} : { adminUrl: state.adminUrl }),
    version: state.version ?? '',
    origin: state.origin,
    ...usersOf(state),
  }
}

function dedicated(home: Home, descriptor: ServerDescriptor, state: InstanceState): DedicatedService {
  const { id } = state
  const locked = (work: (current: InstanceState) => Promise<unknown>): Promise<void> =>
    withLock(home.locks, id, async () => {
      const current = await readState(home, id)
      if (!current) throw new Error(`the dedicated ${descriptor.title} has been closed`)
      await work(current)
    })
  const ended = async (current: InstanceState, how: (state: InstanceState) => Promise<void>): Promise<void> => {
    await how(current)
    await writeState(home, { ...current, ready: false })
  }
  const start = (): Promise<void> =>
    locked(async current => {
      if (!current.ready) await run(home, descriptor, current)
    })
  const stop = (): Promise<void> => locked(current => ended(current, halt))
  return {
    ...toService(state),
    start,
    stop,
    kill: () => locked(current => ended(current, crash)),
    restart: async () => {
      await stop()
      await start()
    },
    control: async (...args) => {
      const current = await readState(home, id)
      if (!current) throw new Error(`the dedicated ${descriptor.title} has been closed`)
      return control(home, descriptor, current, args)
    },
    close: async () => {
      await endById(home, id)
    },
  }
}
