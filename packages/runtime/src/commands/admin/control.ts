import type { ConnectorKind, Problem } from '@pulsar-io/sdk'
import { connection } from '../../admin-connection.ts'
import { ConfigProblems } from '../../config/config-problems.ts'
import { EXIT } from '../../exit.ts'
import type { FlagValues } from '../../flags/flag.ts'
import { calling, ours, waitOf, waitUntilRunning } from './calling.ts'
import { print } from './output.ts'
import { instanceOf, targetOf } from './target.ts'

const DONE = {
  start: 'Started',
  stop: 'Stopped',
  restart: 'Restarted',
  pause: 'Paused',
  resume: 'Resumed',
} as const
const NOT_OURS = "cannot pause or resume; only this project's worker does. With Pulsar's own, use stop and start"

/** `start`, `stop`, `restart`, `pause`, `resume`. */
export async function control(
  kind: ConnectorKind,
  action: keyof typeof DONE,
  values: FlagValues,
  argument?: string,
): Promise<number> {
  const problems: Problem[] = []
  const connect = await connection(values, problems)
  const timeoutMs = waitOf(values, problems)
  const name = targetOf(values, argument, problems)
  const instance = instanceOf(values, problems)
  if (problems.length > 0) throw new ConfigProblems(problems)
  return calling(connect, async (admin, signal) => {
    try {
      await admin[`${kind}s`][action](name, instance)
    } catch (error) {
      throw action === 'pause' || action === 'resume' ? ours(error, admin, NOT_OURS) : error
    }
    await print(`${DONE[action]} successfully\n`)
    await waitUntilRunning(admin, kind, name, { timeoutMs, signal, changed: action === 'restart' })
    return EXIT.ok
  })
}

/** `delete`. */
export async function remove(kind: ConnectorKind, values: FlagValues, argument?: string): Promise<number> {
  const problems: Problem[] = []
  const connect = await connection(values, problems)
  const name = targetOf(values, argument, problems)
  if (problems.length > 0) throw new ConfigProblems(problems)
  return calling(connect, async admin => {
    await admin[`${kind}s`].delete(name)
    // pulsar-admin's words, which scripts look for.
    await print(kind === 'sink' ? 'Deleted successfully\n' : 'Delete source successfully\n')
    return EXIT.ok
  })
}

/** `reload`; says nothing, as pulsar-admin does. */
export async function reload(kind: ConnectorKind, values: FlagValues): Promise<number> {
  const problems: Problem[] = []
  const connect = await connection(values, problems)
  if (problems.length > 0) throw new ConfigProblems(problems)
  return calling(connect, async admin => {
    await admin[`${kind}s`].reload()
    return EXIT.ok
  })
}
