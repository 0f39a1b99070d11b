import { readlinkSync } from 'node:fs'
import { link, open, readFile, rename, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError } from '@pulsar-io/sdk'
import * as z from 'zod'
import { syncFolder } from './durable.ts'
import { errno } from './problems.ts'

const ownerSchema = z.object({
  /** Tenant, namespace, name and instance of the connector. */
  connector: z.string(),
  pid: z.int(),
  /** Tells a process from a later one with the same id; empty where the system does not say. */
  started: z.string(),
  /** The same of the thread, as `<id> <start>`: one that was terminated could not release the lock, and its process lives on. */
  thread: z.string().default(''),
  host: z.string(),
})
type Owner = z.output<typeof ownerSchema>

/** What {@link FileLock.acquire} found out. */
export interface Acquired {
  readonly lock: FileLock
  /** The last owner did not get to close its file. */
  readonly crashed: boolean
}

/**
 * Keeps two sinks from writing one file. Node has no `flock`, so it is a file that says who the owner is; one whose
 * process is gone counts for nothing. A file on a shared disk is guarded between machines, too, but after a crash of
 * another machine somebody has to remove the lock, since nobody here can know that its owner is gone.
 */
export class FileLock {
  readonly #path: string

  private constructor(path: string) {
    this.#path = path
  }

  static async acquire(path: string, guarded: string, connector: string): Promise<Acquired> {
    const us: Owner = {
      connector,
      pid: process.pid,
      started: await startOf(`${process.pid}`),
      thread: await ownThread(),
      host: hostname(),
    }
    const text = JSON.stringify(us)
    let crashed = false
    for (let attempt = 0; attempt < 5; attempt++) {
      if (await create(path, text)) return { lock: new FileLock(path), crashed }
      const found = await read(path)
      if (found === undefined) continue
      const owner = parseOwner(found)
      if (owner && (await isAlive(owner, us))) throw taken(path, guarded, owner)
      crashed = true
      await removeStale(path, found)
    }
    throw taken(path, guarded, undefined)
  }

  async release(): Promise<void> {
    await rm(this.#path, { force: true })
  }
}

async function create(path: string, text: string): Promise<boolean> {
  try {
    const handle = await open(path, 'wx', 0o644)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (errno(error) === 'EEXIST') return false
    throw error
  }
  // After a power failure the lock is the sign that the file was not closed.
  await syncFolder(dirname(path))
  return true
}

async function read(path: string): Promise<string | undefined> {
  try {
    const text = await readFile(path, 'utf8')
    if (text !== '') return text
    // Its owner is between making it and filling it in, or was killed there.
    await sleep(100)
    return await readFile(path, 'utf8')
  } catch (error) {
    if (errno(error) === 'ENOENT') return undefined
    throw error
  }
}

function parseOwner(text: string): Owner | undefined {
  try {
    return ownerSchema.parse(JSON.parse(text))
  } catch {
    // A crash in the middle of writing it leaves half an owner: none.
    return undefined
  }
}

async function isAlive(owner: Owner, us: Owner): Promise<boolean> {
  if (owner.host !== us.host) return true
  // An instance that is started again in this process follows one that ended without closing.
  if (owner.pid === us.pid && owner.started === us.started && owner.connector === us.connector) return false
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    if (errno(error) === 'ESRCH') return false
  }
  if (owner.started !== (await startOf(`${owner.pid}`))) return false
  const [thread, started] = owner.thread.split(' ')
  return !thread || !started || started === (await startOf(`${owner.pid}/task/${thread}`))
}

async function ownThread(): Promise<string> {
  try {
    // Not asynchronously: then it would be a thread of the pool that looks.
    const thread = basename(readlinkSync('/proc/thread-self'))
    return `${thread} ${await startOf(`${process.pid}/task/${thread}`)}`
  } catch {
    // No /proc on this system.
    return ''
  }
}

/** When a process or a thread (`<process>/task/<thread>`) was started, in the words of the kernel; empty where it has none or is of another kind. */
async function startOf(task: string): Promise<string> {
  try {
    const status = await readFile(`/proc/${task}/stat`, 'utf8')
    // The name in brackets may hold spaces; the start is the 20th field behind it (proc_pid_stat(5), field 22).
    return status.slice(status.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    // No /proc on this system, or nothing of that number.
    return ''
  }
}

/** Renames first: of two that try at once one gets another file than it meant, and puts it back. */
async function removeStale(path: string, stale: string): Promise<void> {
  const aside = `${path}.${process.pid}`
  try {
    await rename(path, aside)
    if ((await readFile(aside, 'utf8')) !== stale) await link(aside, path)
  } catch (error) {
    const code = errno(error)
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error
  } finally {
    await rm(aside, { force: true })
  }
}

function taken(path: string, guarded: string, owner: Owner | undefined): ConfigError {
  const who = owner ? `${owner.connector} (process ${owner.pid} on ${owner.host})` : 'another process'
  return new ConfigError(
    [
      {
        path: 'path',
        message: `${guarded} is being written by ${who}; choose another path, or remove ${path} if that process is gone`,
      },
    ],
    { code: 'PIO_FILE_LOCKED' },
  )
}
