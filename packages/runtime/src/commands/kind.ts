import type { ConnectorKind, Problem } from '@pulsar-io/sdk'
import { type ArchiveLookup, archiveOf } from '../config/archive-lookup.ts'
import { parseConfigText, readConfigFile } from '../config/config-file.ts'
import { ConfigProblems, usageError } from '../config/config-problems.ts'
import { isObject } from '../config/shape.ts'
import { type Flag, type FlagValues, flagKey, flagName } from '../flags/flag.ts'
import { sinkFlags } from '../flags/sink.ts'
import { sourceFlags } from '../flags/source.ts'

const OWN: { readonly [kind in ConnectorKind]: readonly Flag[] } = {
  sink: sinkFlags.flatMap(group => group.flags),
  source: sourceFlags.flatMap(group => group.flags),
}

/** Tells by `--kind`, the manifest and the flags whether a sink or a source is to be run. Throws ConfigProblems. */
export async function kindOf(values: FlagValues, lookup: ArchiveLookup): Promise<ConnectorKind> {
  const asked = askedKind(values)
  const archive = await archiveReference(values)
  if (archive === undefined) {
    const guess = asked ?? kindByFlags(values)
    if (guess !== undefined) return guess
    throw new ConfigProblems([
      { path: '--archive', message: 'required: a path, builtin://NAME or an installed package; see runtime --help' },
    ])
  }
  const { kinds, name } = await lookup.manifest(archive)
  const [only] = kinds
  // A kind that the archive does not have is refused when it is loaded, with the archive named.
  const kind = asked ?? kindByFlags(values) ?? (kinds.length === 1 ? only : undefined)
  if (kind === undefined) {
    throw usageError(`${name} is a sink and a source; say which with --kind sink or --kind source`)
  }
  refuseFlagsOfOther(kind, name, values)
  return kind
}

function askedKind(values: FlagValues): ConnectorKind | undefined {
  const asked = values.kind
  if (asked === undefined || asked === 'sink' || asked === 'source') return asked
  throw new ConfigProblems([{ path: '--kind', message: `must be sink or source, got ${JSON.stringify(asked)}` }])
}

function given(kind: ConnectorKind, values: FlagValues): readonly Flag[] {
  return OWN[kind].filter(flag => values[flagKey(flag)] !== undefined)
}

function kindByFlags(values: FlagValues): ConnectorKind | undefined {
  const sink = given('sink', values).length
  const source = given('source', values).length
  if (sink > 0 && source === 0) return 'sink'
  return source > 0 && sink === 0 ? 'source' : undefined
}

/** A flag that the other kind has would be ignored, and what it asked for with it. */
function refuseFlagsOfOther(kind: ConnectorKind, name: string, values: FlagValues): void {
  const other = kind === 'sink' ? 'source' : 'sink'
  const foreign = given(other, values)
  if (foreign.length === 0) return
  const instead: { readonly [flag: string]: string } =
    kind === 'sink'
      ? {
          '--destination-topic-name': '--inputs',
          '--source-config': '--sink-config',
          '--source-config-file': '--sink-config-file',
        }
      : {
          '--inputs': '--destination-topic-name',
          '--sink-config': '--source-config',
          '--sink-config-file': '--source-config-file',
        }
  throw new ConfigProblems(
    foreign.map(flag => {
      const use = instead[flagName(flag)]
      return {
        path: flagName(flag),
        message: `is a flag of ${other}s, but ${name} runs as a ${kind}${use ? `; use ${use}` : ''}`,
      }
    }),
  )
}

/** What the flags or, where they do not, the files name as the archive. Problems with files are told later. */
async function archiveReference(values: FlagValues): Promise<string | undefined> {
  if (typeof values.archive === 'string') return values.archive
  for (const kind of ['sink', 'source'] as const) {
    const type = values[`${kind}Type`]
    if (typeof type === 'string') return `builtin://${type}`
    for (const flag of [values[`${kind}Config`], values[`${kind}ConfigFile`]]) {
      if (typeof flag !== 'string') continue
      const unheard: Problem[] = []
      const text = /^\s*\{/.test(flag)
        ? await parseConfigText('', flag, unheard)
        : await readConfigFile(flag, '', unheard)
      const [value] = text?.documents ?? []
      const archive = isObject(value) ? archiveOf(kind, value) : undefined
      if (archive !== undefined) return archive
    }
  }
  return undefined
}
