import { type Admin, AdminError, isAdminError, type SinkConfig, type SourceConfig } from '@pulsar-io/admin'
import type { ConnectorKind, Problem } from '@pulsar-io/sdk'
import { connection } from '../../admin-connection.ts'
import { archiveOf } from '../../config/archive-lookup.ts'
import { readConfigFile } from '../../config/config-file.ts'
import { ConfigProblems } from '../../config/config-problems.ts'
import type { BuiltConnector } from '../../config/connector-config.ts'
import { withInlineSchemas } from '../../config/inline-schemas.ts'
import { optionProblems, readPipeline } from '../../config/pipeline.ts'
import { type ArchiveToSend, ServerLookup } from '../../config/server-lookup.ts'
import { EXIT } from '../../exit.ts'
import type { FlagValues } from '../../flags/flag.ts'
import { errorText } from '../../report-error.ts'
import { type Applied, appliedText } from './applied.ts'
import { calling, waitOf, waitUntilRunning } from './calling.ts'
import { named } from './configure.ts'
import { type Change, differences } from './difference.ts'
import { shownChanges } from './hide.ts'
import { formatOf, formatted, print } from './output.ts'
import { send } from './send.ts'
import { shownName } from './target.ts'

/** A connector of the file, checked and ready to be sent. */
interface Wanted {
  readonly kind: ConnectorKind
  readonly config: (SinkConfig | SourceConfig) & { readonly name: string }
  readonly sent: ArchiveToSend
}

/** `apply -f`: creates what is not there, changes what differs, leaves alone what does not. */
export async function apply(values: FlagValues): Promise<number> {
  const problems: Problem[] = []
  const connect = await connection(values, problems)
  const format = formatOf(values, problems)
  const timeoutMs = waitOf(values, problems)
  const wanted = await readWanted(values, problems)
  return calling(connect, async (admin, signal) => {
    const results: Applied[] = []
    const changed: Wanted[] = []
    let failed = 0
    // One that fails does not keep the others from what they are to be; a worker that is away does.
    const trying = async (each: Wanted, work: () => Promise<void>) => {
      try {
        await work()
      } catch (error) {
        if (!isAdminError(error) || (error.retry !== 'reject' && error.retry !== 'retry')) throw error
        failed += 1
        process.stderr.write(`${each.kind} ${shownName(each.config)}: ${errorText(error, { debug: false })}`)
      }
    }
    for (const each of wanted) {
      await trying(each, async () => {
        const result = await applyOne(admin, each, values)
        results.push(result)
        if (values.dryRun !== true && result.action !== 'unchanged') changed.push(each)
      })
    }
    await print(await formatted(results, format, () => results.map(appliedText).join('')))
    const waiting = changed.map(each => {
      const label = `${each.kind} ${shownName(each.config)} `
      return trying(each, () =>
        waitUntilRunning(admin, each.kind, each.config, { timeoutMs, signal, changed: true, label }),
      )
    })
    await Promise.all(waiting)
    return failed === 0 ? EXIT.ok : EXIT.failed
  })
}

/** Reads and checks the whole file before anything is sent. Throws ConfigProblems, or an ArchiveError. */
async function readWanted(values: FlagValues, problems: Problem[]): Promise<readonly Wanted[]> {
  const { file } = values
  if (typeof file !== 'string') {
    throw new ConfigProblems([
      ...problems,
      { path: '--file', message: 'required: the connectors, a JSON or YAML file' },
    ])
  }
  const lookup = new ServerLookup()
  const text = await readConfigFile(file, '--file', problems)
  const connectors = text === undefined ? [] : await readPipeline(text, lookup, problems)
  problems.push(...(await optionProblems(connectors)))
  if (problems.length > 0) throw new ConfigProblems(problems)
  const wanted = await Promise.all(connectors.map(each => prepared(each, lookup)))
  const twins = wanted.filter((one, i) => wanted.findIndex(other => keyOf(other) === keyOf(one)) !== i)
  if (twins.length > 0) {
    throw new ConfigProblems(
      twins.map(({ config }) => ({
        path: file,
        message: `two connectors are named ${shownName(config)}, and a worker has one of a name; give each its own`,
      })),
    )
  }
  return wanted
}

async function prepared({ spec }: BuiltConnector, lookup: ServerLookup): Promise<Wanted> {
  const sent = await lookup.toSend(archiveOf(spec.kind, spec.config) ?? '')
  return { kind: spec.kind, sent, config: withInlineSchemas(named(spec.config, sent)) as SinkConfig & SourceConfig }
}

/** Sinks and sources share their names. */
function keyOf({ config }: Wanted): string {
  return shownName(config)
}

async function applyOne(admin: Admin, wanted: Wanted, values: FlagValues): Promise<Applied> {
  const { kind, config, sent } = wanted
  const dryRun = values.dryRun === true
  const base = { kind, name: shownName(config), ...(dryRun ? { dryRun } : {}) }
  const found = await describe(admin, wanted)
  if (found === undefined) {
    if (!dryRun) await put(admin, wanted, 'create', sent.archive)
    return { ...base, action: 'created', changes: [] }
  }
  const archive = archiveChange(found, sent, values.upload === true)
  const changes = [...differences({ ...found.config }, { ...config }), ...(archive.change ? [archive.change] : [])]
  const shown = shownChanges(changes, kind, sent.manifest)
  const notes = archive.note === undefined ? {} : { note: archive.note }
  if (changes.length === 0 && !archive.send) return { ...base, action: 'unchanged', changes: [], ...notes }
  const certain = archive.send || changes.some(change => change.hidden === undefined)
  if (dryRun) return { ...base, action: certain ? 'updated' : 'perhaps', changes: shown, ...notes }
  try {
    await put(admin, wanted, 'update', archive.send ? sent.archive : undefined, found.version)
    return { ...base, action: 'updated', changes: shown, ...notes }
  } catch (error) {
    // Only the worker knows whether a hidden value is another one, and what it makes of spellings.
    if (!isAdminError(error) || error.reason !== 'Update contains no change') throw error
    return { ...base, action: 'unchanged', changes: [], ...notes }
  }
}

type Found = Awaited<ReturnType<Admin['sinks' | 'sources']['describe']>>

/** What the worker has of that name; undefined: nothing. */
async function describe(admin: Admin, { kind, config }: Wanted): Promise<Found | undefined> {
  try {
    return await admin[`${kind}s`].describe(config)
  } catch (error) {
    const missing =
      error instanceof AdminError && error.code === 'PIO_ADMIN_NOT_FOUND' && /exist/.test(error.reason ?? '')
    if (missing) return undefined
    throw error
  }
}

interface ArchiveDecision {
  readonly send: boolean
  readonly change?: Change
  readonly note?: string
}

function archiveChange(found: Found, sent: ArchiveToSend, upload: boolean): ArchiveDecision {
  const { archive: before } = found.config
  if (/^[a-z]+:\/\//i.test(sent.archive)) {
    if (before === sent.archive) return { send: false }
    if (/^builtin:/i.test(sent.archive) || upload) {
      return { send: true, change: { path: 'archive', before: before ?? 'an uploaded archive', after: sent.archive } }
    }
    return {
      send: false,
      note: 'the archive was not compared: the worker does not tell which one it has; --upload has it fetched',
    }
  }
  if (sent.sha256 !== undefined && found.archiveSha256 !== undefined) {
    const same = sent.sha256 === found.archiveSha256
    if (same) return { send: false }
    return {
      send: true,
      change: { path: 'archive', before: `sha256 ${found.archiveSha256}`, after: `sha256 ${sent.sha256}` },
    }
  }
  if (upload || before?.startsWith('builtin://')) {
    return { send: true, change: { path: 'archive', before: before ?? 'an uploaded archive', after: sent.archive } }
  }
  return {
    send: false,
    note: 'the archive was not compared: the worker does not tell which one it has; --upload sends it again',
  }
}

async function put(
  admin: Admin,
  { kind, config }: Wanted,
  action: 'create' | 'update',
  archive: string | undefined,
  ifVersion?: string,
): Promise<void> {
  // What it says of the archive is said by the upload, or not at all.
  const { archive: _, sinkType, sourceType, ...rest } = config as SinkConfig & SourceConfig
  await send(admin, kind, action, rest, { archive, ifVersion })
}
