import { describe } from 'vitest'
import { register } from './clause.ts'
import { asHarness } from './resources.ts'
import { PATIENCE_MS } from './run.ts'
import { sourceOpening } from './source-opening.ts'
import type { SourceConformanceOptions } from './source-options.ts'
import { sourceProgress } from './source-progress.ts'
import { sourceReading } from './source-reading.ts'
import { type SourceClause, SourceRun } from './source-run.ts'

/** The promises of a source, by number. */
export const sourceClauses: readonly SourceClause[] = [...sourceOpening, ...sourceReading, ...sourceProgress]

/**
 * Registers the tests of a source with vitest. They drive it through the contract of the SDK alone, as the runtime does,
 * and each has a place of its own in the external system. What the source does not claim is skipped; the title says why.
 */
export function sourceConformance(name: string, options: SourceConformanceOptions): void {
  // Most clauses wait for several things, each within patience.
  const timeout = 4 * (options.patienceMs ?? PATIENCE_MS)
  describe(`source: ${name}`, () => register(sourceClauses, options, runSourceClause, timeout))
}

/** Runs one clause; rejects where the source does not keep it. */
export async function runSourceClause(clause: SourceClause, options: SourceConformanceOptions): Promise<void> {
  const run = new SourceRun(await asHarness(() => options.place()), options)
  try {
    await clause.run(run)
  } finally {
    await run.end()
  }
}
