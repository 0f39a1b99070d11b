import type { ConnectorSpec, Run, RunOptions } from './api.ts'

/**
 * Starts connectors and resolves once all of them are open.
 * Rejects with everything closed again: ConfigError (wrong configuration), ArchiveError (refused archive),
 * ConnectionError or AuthError (a system that cannot be reached, with `failFast`), or the connector's own error.
 */
export async function startConnectors(_specs: readonly ConnectorSpec[], _options: RunOptions): Promise<Run> {
  throw new Error('the engine is being built')
}
