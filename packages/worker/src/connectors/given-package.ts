import type { KindFacts } from '../kinds.ts'
import { ReplyError } from '../reply-error.ts'
import type { Builtins } from './builtins.ts'
import type { RawConfig } from './check.ts'
import type { GivenPackage } from './packages.ts'

/** The archive that a request means: what it brings, or what its configuration names. Throws a ReplyError (400). */
export function givenPackage(
  facts: KindFacts,
  { config, package: given }: { readonly config: RawConfig; readonly package?: GivenPackage | undefined },
  builtins: Builtins,
): GivenPackage {
  if (given !== undefined) return given
  const { archive } = config
  const type = config[facts.typeField]
  if (archive && type) throw new ReplyError(400, `${facts.typeField}: cannot stand beside archive; keep one of them`)
  const reference =
    typeof archive === 'string' && archive !== ''
      ? archive
      : typeof type === 'string' && type !== ''
        ? `builtin://${type}`
        : undefined
  if (reference === undefined) throw new ReplyError(400, `${facts.title} package is not provided`)
  if (reference.startsWith('builtin://')) {
    const name = reference.slice('builtin://'.length)
    if (builtins.get(name, facts.kind) === undefined) {
      throw new ReplyError(400, `Built-in ${facts.kind} is not available`)
    }
    return { type: 'builtin', name }
  }
  if (/^(https?|file):/.test(reference)) return { type: 'url', url: reference }
  throw new ReplyError(
    400,
    `${facts.title} package is not provided: ${reference} is a file where you are; send it as the part "data", or name a builtin://…`,
  )
}

/** Whether a configuration names an archive. */
export function namesPackage(facts: KindFacts, config: RawConfig): boolean {
  // A path is what pulsar-admin read the upload from; without an upload it says nothing.
  return [config.archive, config[facts.typeField] === undefined ? undefined : 'builtin://'].some(
    each => typeof each === 'string' && /^(builtin|https?|file):/.test(each),
  )
}

/** The configuration but for the archive, which is kept by itself. */
export function withoutPackage(facts: KindFacts, config: RawConfig): RawConfig {
  const { archive: _, [facts.typeField]: __, ...rest } = config
  return rest
}
