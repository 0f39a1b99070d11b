import { ArchiveError } from './errors.ts'

const ROOT = 'package/'

/**
 * The path of an entry inside the package, without `package/`; empty for that folder itself.
 *
 * @throws ArchiveError `PIO_ARCHIVE_PATH` for a path that could leave the folder it is extracted to on any system, or
 * that is outside `package/`.
 */
export function packagePath(archive: string, path: string, folder: boolean): string {
  const shown = JSON.stringify(path)
  const refuse = (reason: string) =>
    new ArchiveError(
      'PIO_ARCHIVE_PATH',
      archive,
      `the entry ${shown} ${reason}. Nothing was extracted. Pack it again with pnpm pack:connectors or npm pack, and ` +
        'do not trust where it came from',
    )
  if (path.startsWith('/') || /^[a-zA-Z]:/.test(path)) throw refuse('is an absolute path')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\\\u0000-\u001f\u007f]/.test(path)) throw refuse('has a backslash or a control character in its path')
  const bare = path.endsWith('/') ? path.slice(0, -1) : path
  const segments = bare.split('/')
  if (segments.includes('..')) throw refuse('leaves the package by ".."')
  if (segments.some(segment => segment === '' || segment === '.')) throw refuse('has an empty or "." part in its path')
  if (segments.some(segment => segment.includes(':'))) throw refuse('has a colon in its path')
  if (segments.some(segment => Buffer.byteLength(segment) > 255) || path.length > 1_000) throw refuse('is too long')
  if (bare === 'package' && folder) return ''
  if (!bare.startsWith(ROOT)) throw refuse('is outside "package/"')
  return bare.slice(ROOT.length)
}

/** Finds entries that would be one file on a system that ignores case or composes letters. */
export class EntryNames {
  readonly #files = new Map<string, string>()
  readonly #folders = new Map<string, string>()
  readonly #archive: string

  constructor(archive: string) {
    this.#archive = archive
  }

  /**
   * Takes note of a file or a folder by its path inside the package.
   *
   * @throws ArchiveError `PIO_ARCHIVE_DUPLICATE`.
   */
  add(path: string, folder: boolean): void {
    const segments = path.split('/')
    for (let depth = 1; depth < segments.length; depth++) this.#addFolder(segments.slice(0, depth).join('/'), path)
    if (folder) {
      this.#addFolder(path, path)
      return
    }
    const key = fold(path)
    const other = this.#files.get(key) ?? this.#folders.get(key)
    if (other !== undefined) throw this.#collision(other, path)
    this.#files.set(key, path)
  }

  #addFolder(folder: string, path: string): void {
    const key = fold(folder)
    const other = this.#files.get(key)
    if (other !== undefined) throw this.#collision(other, path)
    const same = this.#folders.get(key)
    if (same !== undefined && same !== folder) throw this.#collision(same, path)
    this.#folders.set(key, folder)
  }

  #collision(first: string, second: string): ArchiveError {
    const what =
      first === second
        ? `the entry ${JSON.stringify(second)} is in it twice`
        : `the entries ${JSON.stringify(first)} and ${JSON.stringify(second)} are one file where case does not count`
    return new ArchiveError(
      'PIO_ARCHIVE_DUPLICATE',
      this.#archive,
      `${what}. Pack it again with pnpm pack:connectors or npm pack`,
    )
  }
}

function fold(path: string): string {
  return path.normalize('NFC').toLowerCase()
}
