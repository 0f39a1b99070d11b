import { ConnectorError, type ConnectorErrorOptions, isConnectorError } from '@pulsar-io/sdk/core'

/** Why an archive is refused. Stable; docs/errors.md explains each. */
export type ArchiveErrorCode =
  | 'PIO_ARCHIVE_REFERENCE'
  | 'PIO_ARCHIVE_NOT_FOUND'
  | 'PIO_ARCHIVE_URL_DENIED'
  | 'PIO_ARCHIVE_DOWNLOAD'
  | 'PIO_ARCHIVE_FORMAT'
  | 'PIO_ARCHIVE_CORRUPT'
  | 'PIO_ARCHIVE_PATH'
  | 'PIO_ARCHIVE_LINK'
  | 'PIO_ARCHIVE_TYPE'
  | 'PIO_ARCHIVE_DUPLICATE'
  | 'PIO_ARCHIVE_LIMIT'
  | 'PIO_ARCHIVE_MANIFEST'
  | 'PIO_ARCHIVE_UNLISTED'
  | 'PIO_ARCHIVE_INCOMPLETE'
  | 'PIO_ARCHIVE_CHECKSUM'
  | 'PIO_ARCHIVE_API_LEVEL'
  | 'PIO_ARCHIVE_KIND'
  | 'PIO_ARCHIVE_LOAD'
  | 'PIO_ARCHIVE_LINT'
  | 'PIO_ARCHIVE_CACHE'

/**
 * An archive is refused. Retry meaning `stop`: only another archive, another reference or another setting helps.
 * The message names the archive, the reason and the fix.
 */
export class ArchiveError extends ConnectorError {
  declare readonly code: ArchiveErrorCode
  /** The archive: its absolute path, address or package name. */
  readonly archive: string

  constructor(code: ArchiveErrorCode, archive: string, reason: string, options?: ConnectorErrorOptions) {
    super(code, 'stop', `${archive}: ${reason}`, options)
    this.archive = archive
  }
}

/** True for an {@link ArchiveError} of any copy of this module. */
export function isArchiveError(error: unknown): error is ArchiveError {
  return isConnectorError(error) && error.code.startsWith('PIO_ARCHIVE_')
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The `code` of a system error, for example `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
