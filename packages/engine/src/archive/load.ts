import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ConnectorDefinition, ConnectorKind, SinkDefinition, SourceDefinition } from '@pulsar-io/sdk'
import { isDefinition } from './definitions.ts'
import { ArchiveError, messageOf } from './errors.ts'
import { API_LEVELS } from './format.ts'
import type { ResolvedArchive } from './resolve.ts'

/**
 * Loads the code of a resolved archive and returns its definition of a kind. The code runs in this process or thread.
 *
 * @throws ArchiveError `PIO_ARCHIVE_KIND` when the archive has no such kind, `PIO_ARCHIVE_LOAD` when its code throws or
 * is not what the manifest says.
 */
export function loadConnector(resolved: ResolvedArchive, kind: 'sink'): Promise<SinkDefinition>
export function loadConnector(resolved: ResolvedArchive, kind: 'source'): Promise<SourceDefinition>
export function loadConnector(resolved: ResolvedArchive, kind: ConnectorKind): Promise<ConnectorDefinition>
export async function loadConnector(resolved: ResolvedArchive, kind: ConnectorKind): Promise<ConnectorDefinition> {
  const { archive, manifest } = resolved
  const section = manifest[kind]
  if (section === undefined) throw missingKind(resolved, kind)
  const module = await importEntry(resolved)
  const definition = module[section.export]
  const refuse = (reason: string) =>
    new ArchiveError('PIO_ARCHIVE_LOAD', archive, `${reason}. Pack it again with pnpm pack:connectors`)
  if (!isDefinition(definition)) {
    throw refuse(`the export "${section.export}" of ${manifest.entry} is not what defineSink or defineSource returns`)
  }
  if (definition.kind !== kind) throw refuse(`the export "${section.export}" is a ${definition.kind}, not a ${kind}`)
  if (definition.name !== manifest.name) {
    throw refuse(`the manifest names it ${manifest.name}, but its code names it ${definition.name}`)
  }
  if (definition.apiLevel !== manifest.apiLevel || definition.apiLevel > API_LEVELS.max) {
    throw refuse(`the manifest says API level ${manifest.apiLevel}, but its code says ${definition.apiLevel}`)
  }
  return definition
}

async function importEntry(resolved: ResolvedArchive): Promise<{ readonly [name: string]: unknown }> {
  const { archive, directory, manifest } = resolved
  try {
    return await import(pathToFileURL(join(directory, manifest.entry)).href)
  } catch (error) {
    throw new ArchiveError(
      'PIO_ARCHIVE_LOAD',
      archive,
      `${manifest.entry} of ${manifest.name}@${manifest.version} fails while it loads (${messageOf(error)}). Install another release, or report this to its author`,
      { cause: error },
    )
  }
}

function missingKind(resolved: ResolvedArchive, kind: ConnectorKind): ArchiveError {
  const { name } = resolved.manifest
  const fix =
    kind === 'sink'
      ? 'Run it with `sources localrun`, or give --destination-topic-name instead of --inputs'
      : 'Run it with `sinks localrun`, or give --inputs instead of --destination-topic-name'
  const has = kind === 'sink' ? 'source' : 'sink'
  return new ArchiveError('PIO_ARCHIVE_KIND', resolved.archive, `${name} is a ${has}, not a ${kind}. ${fix}`)
}
