import { ArchiveError, isArchiveError, messageOf } from './errors.ts'
import { formatBytes } from './limits.ts'

/** How an archive is fetched. */
export interface DownloadOptions {
  /** Addresses that archives may come from, as prefixes, for example `https://repo.example.com/connectors/`. */
  readonly allowedUrls: readonly string[]
  /** Bytes at most. */
  readonly maxBytes: number
  readonly signal?: AbortSignal | undefined
}

const MAX_REDIRECTS = 5
const TIMEOUT_MS = 60_000

/**
 * Fetches an archive into memory. Each hop has to be allow-listed: an open redirect must not lead elsewhere, see
 * CVE-2024-27894.
 *
 * @throws ArchiveError `PIO_ARCHIVE_URL_DENIED`, `PIO_ARCHIVE_DOWNLOAD` or `PIO_ARCHIVE_LIMIT`.
 */
export async function download(start: URL, options: DownloadOptions): Promise<Uint8Array> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  const signal = options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal])
  const archive = shownUrl(start)
  let url = start
  try {
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      checkAllowed(url, options.allowedUrls, hop > 0 ? archive : undefined)
      const response = await fetch(url, { redirect: 'manual', signal })
      const location = response.headers.get('location')
      if (response.status >= 300 && response.status < 400 && location !== null) {
        await response.body?.cancel()
        url = new URL(location, url)
        continue
      }
      if (!response.ok) {
        await response.body?.cancel()
        throw new ArchiveError(
          'PIO_ARCHIVE_DOWNLOAD',
          archive,
          `the server answered ${response.status} ${response.statusText}. Check the address and its permissions`,
        )
      }
      return await readBody(archive, response, options.maxBytes)
    }
  } catch (error) {
    if (isArchiveError(error)) throw error
    options.signal?.throwIfAborted()
    const reason = timeout.aborted ? `it took longer than ${TIMEOUT_MS / 1_000} s` : reasonOf(error)
    throw new ArchiveError(
      'PIO_ARCHIVE_DOWNLOAD',
      archive,
      `it cannot be fetched (${reason}). Check the address, or download it yourself and give the file`,
      {
        cause: error,
      },
    )
  }
  throw new ArchiveError(
    'PIO_ARCHIVE_DOWNLOAD',
    archive,
    `more than ${MAX_REDIRECTS} redirects. Give the final address`,
  )
}

/** An address without what may be secret in it. */
export function shownUrl(url: URL): string {
  return `${url.origin}${url.pathname}`
}

/**
 * Refuses an address that is not below an allow-listed prefix. Origins are compared whole, and paths at a slash, so that
 * neither `https://a.example.evil.test` nor `/connectors-evil/` passes.
 */
export function checkAllowed(url: URL, allowedUrls: readonly string[], from?: string): void {
  const deny = (reason: string) =>
    new ArchiveError(
      'PIO_ARCHIVE_URL_DENIED',
      from ?? shownUrl(url),
      `${from === undefined ? '' : `redirects to ${shownUrl(url)}: `}${reason}`,
    )
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw deny(`${url.protocol} is not http or https`)
  if (url.username !== '' || url.password !== '') throw deny('an address must not hold a user or password')
  // Servers differ in whether an encoded slash ends a part of the path; URL has resolved every plain "..".
  if (/%2f|%5c/i.test(url.pathname)) throw deny('its path holds an encoded slash')
  if (allowedUrls.some(prefix => isBelow(url, prefix))) return
  const list = allowedUrls.length === 0 ? 'none is' : `allowed: ${allowedUrls.join(', ')}`
  throw deny(
    `archives are fetched from allow-listed addresses only (${list}). Download it and give the file, or allow the address with --allow-url`,
  )
}

function isBelow(url: URL, prefix: string): boolean {
  if (!URL.canParse(prefix)) return false
  const allowed = new URL(prefix)
  if (url.origin !== allowed.origin) return false
  const base = allowed.pathname.endsWith('/') ? allowed.pathname : `${allowed.pathname}/`
  return url.pathname === allowed.pathname || url.pathname.startsWith(base)
}

async function readBody(archive: string, response: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let total = 0
  // Leaving the loop by an error cancels the body.
  for await (const chunk of response.body ?? []) {
    total += chunk.byteLength
    if (total > maxBytes) {
      throw new ArchiveError(
        'PIO_ARCHIVE_LIMIT',
        archive,
        `it is larger than ${formatBytes(maxBytes)}, which no connector needs. Check the address`,
      )
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** `fetch failed` says nothing; its cause does. */
function reasonOf(error: unknown): string {
  return error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error)
}
