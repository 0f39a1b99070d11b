import { it } from 'vitest'

/** One numbered promise of a connector, and the test of it. */
export interface Clause<O, R> {
  /** `SINK-12`, `SRC-03`: never given to another promise. */
  readonly id: string
  /** What the connector does, so that the number and the title read as a sentence. */
  readonly title: string
  /** Why this connector cannot be asked for it, or undefined. */
  readonly lacks?: (options: O) => string | undefined
  readonly run: (run: R) => Promise<unknown>
}

/** A test of a clause: what is set up for it is torn down, also when it fails. */
export type Runner<O, R> = (clause: Clause<O, R>, options: O) => Promise<void>

/** Registers clauses with vitest; one that the connector does not claim is skipped under a title that says why. */
export function register<O, R>(clauses: readonly Clause<O, R>[], options: O, run: Runner<O, R>, timeout: number): void {
  for (const clause of clauses) {
    const lack = clause.lacks?.(options)
    const title = `${clause.id} ${clause.title}${lack === undefined ? '' : ` (skipped: ${lack})`}`
    it.skipIf(lack !== undefined)(title, () => run(clause, options), timeout)
  }
}
