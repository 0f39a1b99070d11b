import { fileURLToPath } from 'node:url'
import { ArchiveError, messageOf } from './errors.ts'

/** What `--archive` names. */
export type ArchiveReference = { readonly sha256: string | undefined } & (
  | { readonly type: 'builtin'; readonly name: string }
  | { readonly type: 'url'; readonly url: URL }
  /** A path, or a package name where there is no such file. */
  | { readonly type: 'path'; readonly path: string }
)

const PIN = /#sha256=([^#]*)$/i

/**
 * Takes a reference apart: a path, `file://`, `builtin://name`, `http(s)://` or a package name, each with an optional
 * `#sha256=<hex>`.
 *
 * @throws ArchiveError `PIO_ARCHIVE_REFERENCE`.
 */
export function parseReference(reference: string): ArchiveReference {
  const refuse = (reason: string, cause?: unknown) =>
    new ArchiveError('PIO_ARCHIVE_REFERENCE', reference || '(empty)', reason, { cause })
  const pin = PIN.exec(reference)
  const sha256 = pin?.[1]?.toLowerCase()
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256)) {
    throw refuse('what follows #sha256= has to be 64 hexadecimal digits, as sha256sum prints them')
  }
  const bare = pin === null ? reference : reference.slice(0, pin.index)
  if (bare === '') throw refuse('no archive is named. Give a .tgz file, builtin://name or an installed package')
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(bare)?.[1]?.toLowerCase()
  switch (scheme) {
    case undefined:
      return { type: 'path', path: bare, sha256 }
    case 'builtin': {
      const name = bare.slice('builtin://'.length)
      if (!/^[a-z][a-z0-9-]*$/i.test(name)) {
        throw refuse('builtin:// takes the name of a connector, for example builtin://elasticsearch')
      }
      return { type: 'builtin', name, sha256 }
    }
    case 'file':
      try {
        return { type: 'path', path: fileURLToPath(bare), sha256 }
      } catch (error) {
        throw refuse(`this file:// address names no file of this machine (${messageOf(error)})`, error)
      }
    case 'http':
    case 'https':
      if (!URL.canParse(bare)) throw refuse('this is not a valid address')
      return { type: 'url', url: new URL(bare), sha256 }
    default:
      throw refuse(
        `${scheme}:// is not supported. Give a .tgz file, builtin://name, an installed package, file:// or, where allow-listed, https://`,
      )
  }
}
