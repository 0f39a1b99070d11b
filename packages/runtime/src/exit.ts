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
