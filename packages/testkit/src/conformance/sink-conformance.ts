import { describe } from 'vitest'
import { register } from './clause.ts'
import { asHarness } from './resources.ts'
import { PATIENCE_MS } from './run.ts'
import { sinkFaults } from './sink-faults.ts'
import { sinkOpening } from './sink-opening.ts'
import type { SinkConformanceOptions } from './sink-options.ts'
import { sinkOutcomes } from './sink-outcomes.ts'
import { type SinkClause, SinkRun } from './sink-run.ts'
import { sinkTransactions } from './sink-transactions.ts'
import { sinkWriting } from './sink-writing.ts'

/** The promises of a sink, by number. */
export const sinkClauses: readonly SinkClause[] = [
  ...sinkOpening,
  ...sinkWriting,
  ...sinkOutcomes,
  ...sinkTransactions,
  ...sinkFaults,
]

/**
 * Registers the tests of a sink with vitest. They drive it through the contract of the SDK alone, as the runtime does,
 * and each has a place of its own in the external system. What the sink does not claim is skipped; the title says why.
 */
export function sinkConformance(name: string, options: SinkConformanceOptions): void {
  // Most clauses wait for several things, each within patience.
  const timeout = 4 * (options.patienceMs ?? PATIENCE_MS)
  describe(`sink: ${name}`, () => register(sinkClauses, options, runSinkClause, timeout))
}

/** Runs one clause; rejects where the sink does not keep it. */
export async function runSinkClause(clause: SinkClause, options: SinkConformanceOptions): Promise<void> {
  const run = new SinkRun(await asHarness(() => options.place()), options)
  try {
    await clause.run(run)
  } finally {
    await run.end()
  }
}
