import type { Admin, ConnectorId, ConnectorStatus, SinkInstanceStatus, SourceInstanceStatus } from '@pulsar-io/admin'
import type { ConnectorKind, Problem } from '@pulsar-io/sdk'
import { connection } from '../../admin-connection.ts'
import { ConfigProblems } from '../../config/config-problems.ts'
import { EXIT } from '../../exit.ts'
import type { FlagValues } from '../../flags/flag.ts'
import { reader } from '../../flags/reader.ts'
import { calling, pause } from './calling.ts'
import { type Format, formatOf, formatted, print } from './output.ts'
import { statusTable } from './status-table.ts'
import { instanceOf, shownName, targetOf } from './target.ts'

/** Milliseconds between looks of `--watch`. */
const INTERVAL_MS = 2000

/** `status`, of all instances or of one, once or again and again. */
export async function status(kind: ConnectorKind, values: FlagValues, argument?: string): Promise<number> {
  const problems: Problem[] = []
  const connect = await connection(values, problems)
  const format = formatOf(values, problems)
  const name = targetOf(values, argument, problems)
  const instance = instanceOf(values, problems)
  const interval = reader(values, problems).duration('--interval') ?? INTERVAL_MS
  if (problems.length > 0) throw new ConfigProblems(problems)
  const code = await calling(connect, async (admin, signal) => {
    const look = () => shown(admin, kind, name, instance, format)
    if (values.watch !== true) {
      await print(await look())
      return EXIT.ok
    }
    while (!signal.aborted) {
      const text = await look()
      // On a terminal each look takes the place of the one before.
      await print(
        process.stdout.isTTY ? `\x1b[2J\x1b[H${shownName(name)}  ${new Date().toISOString()}\n\n${text}` : text,
      )
      await pause(interval, signal)
    }
    return EXIT.ok
  })
  // Ctrl-C is how a watch ends.
  return values.watch === true && (code === EXIT.interrupted || code === EXIT.terminated) ? EXIT.ok : code
}

async function shown(
  admin: Admin,
  kind: ConnectorKind,
  name: ConnectorId,
  instance: number | undefined,
  format: Format,
): Promise<string> {
  const connectors = admin[`${kind}s`]
  if (instance === undefined) {
    const all: ConnectorStatus<SinkInstanceStatus | SourceInstanceStatus> = await connectors.status(name)
    return formatted(all, format, () => statusTable(all))
  }
  const one = await connectors.status(name, instance)
  const only = { numInstances: 1, numRunning: one.running ? 1 : 0, instances: [{ instanceId: instance, status: one }] }
  return formatted(one, format, () => statusTable(only))
}
