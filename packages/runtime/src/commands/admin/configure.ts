import type { SinkConfig, SourceConfig } from '@pulsar-io/admin'
import type { ConnectorKind, Problem } from '@pulsar-io/sdk'
import { connection, switchValue } from '../../admin-connection.ts'
import { archiveOf } from '../../config/archive-lookup.ts'
import { ConfigProblems } from '../../config/config-problems.ts'
import { connectorFromFlags } from '../../config/connector-config.ts'
import { withInlineSchemas } from '../../config/inline-schemas.ts'
import { type ArchiveToSend, ServerLookup } from '../../config/server-lookup.ts'
import { EXIT } from '../../exit.ts'
import type { FlagValues } from '../../flags/flag.ts'
import { calling, waitOf, waitUntilRunning } from './calling.ts'
import { print } from './output.ts'
import { send } from './send.ts'

/** `sinks create`, `sources create`: everything is checked that can be before anything is sent. */
export async function create(kind: ConnectorKind, values: FlagValues): Promise<number> {
  const problems: Problem[] = []
  const connect = await connection(values, problems)
  const timeoutMs = waitOf(values, problems)
  const lookup = new ServerLookup()
  const connector = await connectorFromFlags(kind, values, lookup, problems)
  await connector.check('all')
  const { config } = connector.spec
  const sent = await lookup.toSend(archiveOf(kind, config) ?? '')
  const complete = withInlineSchemas(named(config, sent)) as SinkConfig & SourceConfig
  return calling(connect, async (admin, signal) => {
    await send(admin, kind, 'create', complete, { archive: sent.archive })
    await print('Created successfully\n')
    await waitUntilRunning(admin, kind, complete, { timeoutMs, signal })
    return EXIT.ok
  })
}

/** `sinks update`, `sources update`: what is left out stays as it is. */
export async function update(kind: ConnectorKind, values: FlagValues): Promise<number> {
  const problems: Problem[] = []
  const connect = await connection(values, problems)
  const timeoutMs = waitOf(values, problems)
  const updateAuthData = switchValue(values, 'updateAuthData', '--update-auth-data', problems)
  const lookup = new ServerLookup()
  const connector = await connectorFromFlags(kind, values, lookup, problems, false)
  const { config } = connector.spec
  const archive = archiveOf(kind, config)
  const sent = archive === undefined ? undefined : await lookup.toSend(archive)
  if (archive !== undefined && sent?.manifest !== undefined) {
    // Without options those that are there stay; the archive has to be of the kind, though.
    if (config.configs === undefined) await lookup.load(archive, kind)
    else await connector.check('options')
  }
  const complete = withInlineSchemas(named(config, sent)) as SinkConfig & SourceConfig
  return calling(connect, async (admin, signal) => {
    const options = { archive: sent?.archive, updateAuthData }
    await send(admin, kind, 'update', complete, options)
    await print('Updated successfully\n')
    await waitUntilRunning(admin, kind, complete, { timeoutMs, signal, changed: true })
    return EXIT.ok
  })
}

/** Gives a connector without a name that of its archive, as a local run does. Throws ConfigProblems. */
export function named<Config extends { readonly name?: string | undefined }>(
  config: Config,
  sent: ArchiveToSend | undefined,
): Config & { readonly name: string } {
  const builtin = /^builtin:\/\/([^#]+)/i.exec(sent?.archive ?? '')?.[1]
  const name = config.name ?? sent?.manifest?.name ?? builtin
  if (name !== undefined) return { ...config, name }
  throw new ConfigProblems([{ path: '--name', message: 'required: the connector, or name: in the file' }])
}
