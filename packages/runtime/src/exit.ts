import { isConnectorError } from '@pulsar-io/sdk'

/** What the exit codes of every command mean. */
export const EXIT = {
  ok: 0,
  /** The connector failed for good, or there is a bug. */
  failed: 1,
  /** Usage or configuration is wrong. */
  usage: 2,
  /** The archive is refused. */
  archive: 3,
  /** A system could not be reached at the first open. */
  unreachable: 4,
  interrupted: 130,
  terminated: 143,
} as const

/** The exit code of a start that did not succeed. */
export function startFailureCode(error: unknown): number {
  if (!isConnectorError(error)) return EXIT.failed
  if (error.code.startsWith('PIO_ARCHIVE_')) return EXIT.archive
  switch (error.retry) {
    case 'reconnect':
      return EXIT.unreachable
    // Wrong credentials are a wrong configuration until they have worked once.
    case 'block':
    case 'stop':
      return EXIT.usage
    default:
      return EXIT.failed
  }
}
