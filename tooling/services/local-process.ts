import { spawn } from 'node:child_process'
import { mkdir, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { identify, type ProcessIdentity, slay } from './process-identity.ts'
import type { Connection, Launch, ServerDescriptor } from './types.ts'

const READY_MS = 120_000
const PROBE_MS = 5_000
const LOG_LINES = 40

const logFile = (folder: string): string => join(folder, 'server.log')

/** A server that was spawned but may not be ready yet. */
export interface Spawned {
  readonly identity: ProcessIdentity
  /** Set once the process has ended, with how. */
  ended(): string | undefined
}

/** Starts the program as the leader of its own group, so that it outlives us and can be ended with all its children. */
export async function spawnServer(launch: Launch, folder: string): Promise<Spawned> {
  await mkdir(folder, { recursive: true })
  const log = await open(logFile(folder), 'a')
  try {
    const child = spawn(launch.command, launch.args, {
      cwd: folder,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      env: { ...process.env, ...launch.env },
    })
    let ended: string | undefined
    child.once('exit', (code, signal) => {
      ended = signal ? `was ended by ${signal}` : `ended with code ${code}`
    })
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
    child.unref()
    const identity = child.pid === undefined ? undefined : identify(child.pid)
    if (!identity) throw new Error(`${launch.command} ended at once:\n${await logTail(folder)}`)
    return { identity, ended: () => ended }
  } finally {
    await log.close()
  }
}

/** Asks once whether the server is ready, and for its version. */
export function probeOnce(descriptor: ServerDescriptor, connection: Connection): Promise<string> {
  return descriptor.probe(connection, AbortSignal.timeout(PROBE_MS))
}

/** Asks once whether a server that we started is ready and has settled, and for its version. */
export async function probeStarted(descriptor: ServerDescriptor, connection: Connection): Promise<string> {
  const version = await probeOnce(descriptor, connection)
  await descriptor.settled?.(connection, AbortSignal.timeout(PROBE_MS))
  return version
}

/**
 * Waits until the server answers and gives its version.
 * @throws with the end of its log when it ends first or takes too long; it is ended then.
 */
export async function waitUntilReady(
  descriptor: ServerDescriptor,
  connection: Connection,
  folder: string,
  spawned: Spawned,
): Promise<string> {
  const deadline = Date.now() + READY_MS
  for (;;) {
    const ended = spawned.ended()
    if (ended !== undefined) {
      throw new Error(`${descriptor.title} ${ended} before it was ready. ${await logTail(folder)}`)
    }
    try {
      return await probeStarted(descriptor, connection)
    } catch (error) {
      if (Date.now() > deadline) {
        await slay(spawned.identity)
        const last = (error as Error).message
        throw new Error(
          `${descriptor.title} was not ready after ${READY_MS / 1000} s (last: ${last}). ${await logTail(folder)}`,
          { cause: error },
        )
      }
    }
    await sleep(150)
  }
}

async function logTail(folder: string): Promise<string> {
  const file = logFile(folder)
  const text = await readFile(file, 'utf8')
  return `The end of its log ${file}:\n${text.trimEnd().split('\n').slice(-LOG_LINES).join('\n')}`
}
