import { randomBytes } from 'node:crypto'

/** A name for an index that no earlier run used: a server may outlive a run. */
export function uniqueName(of: string): string {
  return `${of}-${randomBytes(6).toString('hex')}`
}
