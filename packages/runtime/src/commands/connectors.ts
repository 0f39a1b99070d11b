import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { lintError, listConnectors } from '@pulsar-io/engine'
import { type ConnectorKind, closest, type Manifest, type Problem } from '@pulsar-io/sdk'
import { ArchiveLookup } from '../config/archive-lookup.ts'
import { ConfigProblems, usageError } from '../config/config-problems.ts'
import { checkConnector } from '../config/connector-config.ts'
import { flagValue } from '../config/flag-fields.ts'
import { isObject } from '../config/shape.ts'
import { EXIT } from '../exit.ts'
import { inspectFlags } from '../flags/connectors.ts'
import type { FlagValues } from '../flags/flag.ts'
import { json, outputFormat, outputTo, table } from '../output.ts'

/** `connectors list`: what a folder offers, and what it holds besides and why that is no connector. */
export async function list(values: FlagValues): Promise<number> {
  const format = askedFormat(values)
  const folder = values.connectorsDir as string | undefined
  if (folder !== undefined) await checkFolder(folder)
  const { found, skipped } = await listConnectors(folder ?? 'connectors')
  const out = outputTo(process.stdout)
  if (format === 'json') {
    const connectors = found.map(({ manifest: _, ...connector }) => connector)
    await out.write(json({ connectors, skipped }))
    return EXIT.ok
  }
  const rows = found.map(each => [each.name, each.version, each.kinds.join(', '), each.path, each.description])
  await out.write(rows.length > 0 ? table(['NAME', 'VERSION', 'KINDS', 'ARCHIVE', 'DESCRIPTION'], rows) : '')
  for (const { file, reason } of skipped) process.stderr.write(`skipped ${file}: ${reason}\n`)
  if (rows.length === 0 && skipped.length === 0) process.stderr.write('no connectors in this folder\n')
  return EXIT.ok
}

/** A folder that was named has to be there; without the flag there may be none. */
async function checkFolder(given: string): Promise<void> {
  const message = await folderProblem(given)
  if (message !== undefined) throw new ConfigProblems([{ path: '--connectors-dir', message }])
}

async function folderProblem(given: string): Promise<string | undefined> {
  const path = resolve(given)
  const found = await stat(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return undefined
  })
  if (found?.isDirectory()) return undefined
  if (found) return `${path} is a file; name the folder with the archives`
  // Where the folder above is missing, too, there is nothing to suggest.
  const beside = await readdir(dirname(path), { withFileTypes: true }).catch(() => [])
  const guess = closest(
    basename(path),
    beside.filter(entry => entry.isDirectory()).map(({ name }) => name),
  )
  return `there is no folder ${path}${guess === undefined ? '' : `; did you mean ${join(dirname(given), guess)}?`}`
}

/** `connectors inspect`: what an archive says of itself; no code of it runs. */
export async function inspect(archive: string, values: FlagValues): Promise<number> {
  const format = askedFormat(values)
  const found = await lookupOf(values).inspect(archive)
  const { name, version, description, apiLevel, kinds } = found.manifest
  const out = outputTo(process.stdout)
  if (format === 'json') {
    const { files: sums, ...manifest } = found.manifest
    await out.write(
      json({ archive: found.archive, size: found.size, sha256: found.sha256, manifest, files: Object.keys(sums) }),
    )
    return EXIT.ok
  }
  const facts = [
    ['description', description],
    ['kinds', kinds.join(', ')],
    ['API level', String(apiLevel)],
    ['archive', found.archive],
    ['bytes', String(found.size ?? '-')],
    ['sha256', found.sha256 ?? '-'],
    ['made from', madeFrom(found.manifest)],
  ]
  await out.write(table([name, version], facts))
  for (const kind of kinds) await out.write(optionsTable(kind, found.manifest))
  return EXIT.ok
}

function madeFrom({ provenance: { commit, modified, lockfile } = {} }: Manifest): string {
  const parts = [
    commit === undefined ? [] : [`commit ${commit}${modified ? ' and changes that are not committed' : ''}`],
    lockfile === undefined ? [] : [`lockfile sha256 ${lockfile}`],
  ].flat()
  return parts.join(', ') || '-'
}

/**
 * `connectors validate`: looks an archive over before it is published, and has the connector check a configuration; every
 * problem at once. A wrong configuration is told first: what the archive lacks is its author's business.
 */
export async function validate(archive: string, values: FlagValues): Promise<number> {
  const lookup = lookupOf(values)
  const { name, version, kinds } = await lookup.manifest(archive)
  const given = CONFIG_FLAGS.some(flag => values[flag] !== undefined) || values.kind !== undefined
  if (given) {
    const kind = kindToCheck(values, kinds, name)
    if (values[`${kind}Config`] !== undefined || values[`${kind}ConfigFile`] !== undefined) {
      await checkConnector(kind, { ...values, archive }, lookup)
      await outputTo(process.stdout).write(`${name} ${version}: the configuration is valid\n`)
      return EXIT.ok
    }
    await lookup.load(archive, kind)
  }
  const findings = await lookup.lint(archive)
  if (findings.length > 0) throw lintError(archive, findings)
  const [kind] = kinds
  await outputTo(process.stdout).write(
    `${name} ${version}: the archive is good; give --${kind}-config to check a configuration\n`,
  )
  return EXIT.ok
}

const CONFIG_FLAGS = ['sinkConfig', 'sinkConfigFile', 'sourceConfig', 'sourceConfigFile'] as const

function kindToCheck(values: FlagValues, kinds: readonly ConnectorKind[], name: string): ConnectorKind {
  const { kind } = values
  if (kind !== undefined && kind !== 'sink' && kind !== 'source') {
    throw new ConfigProblems([{ path: '--kind', message: `must be sink or source, got ${JSON.stringify(kind)}` }])
  }
  const configured = (['sink', 'source'] as const).filter(
    each => values[`${each}Config`] !== undefined || values[`${each}ConfigFile`] !== undefined,
  )
  const chosen = kind ?? (configured.length > 0 ? configured : kinds)
  if (typeof chosen === 'string') return chosen
  const [only] = chosen
  if (chosen.length === 1 && only !== undefined) return only
  throw usageError(`${name} is a sink and a source; say which with --kind sink or --kind source`)
}

function lookupOf(values: FlagValues): ArchiveLookup {
  return new ArchiveLookup({
    connectorsDir: values.connectorsDir as string | undefined,
    allowedUrls: values.allowUrl as readonly string[] | undefined,
  })
}

function askedFormat(values: FlagValues): 'json' | 'table' {
  const problems: Problem[] = []
  const flag = inspectFlags.flatMap(group => group.flags).find(each => each.flags.startsWith('--output'))
  const asked = flag && values.output !== undefined ? flagValue(flag, values.output, problems) : undefined
  if (problems.length > 0) throw new ConfigProblems(problems)
  return outputFormat(asked as string | undefined, process.stdout)
}

function optionsTable(kind: ConnectorKind, manifest: Manifest): string {
  const section = manifest[kind]
  if (section === undefined) return ''
  const { properties, required } = section.configSchema
  const needed = new Set(Array.isArray(required) ? required : [])
  const rows = Object.entries(isObject(properties) ? properties : {}).map(([name, option]) => {
    const { type, description, default: preset } = isObject(option) ? option : {}
    const types = Array.isArray(type) ? type.join('|') : String(type ?? 'any')
    const value =
      needed.has(name) && preset === undefined ? 'required' : preset === undefined ? '-' : JSON.stringify(preset)
    return [name, types, value, typeof description === 'string' ? description : '']
  })
  return `\nOptions of the ${kind} (${section.delivery}):\n${table(['OPTION', 'TYPE', 'DEFAULT', 'MEANING'], rows)}`
}
