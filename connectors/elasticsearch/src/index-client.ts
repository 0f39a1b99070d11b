import type { Logger } from '@pulsar-io/sdk'
import { type BulkResult, bulk, type Operation } from './bulk.ts'
import { Indices } from './indices.ts'
import type { Config } from './options.ts'
import { checkPipeline, ensureTemplate } from './prerequisites.ts'
import { connect } from './server.ts'
import { tlsSettings } from './tls.ts'

/** All that the sink knows of a server. */
export interface IndexClient {
  /** For the log, for example `Elasticsearch 9.2.2`. */
  readonly title: string
  /** Looks at start whether an index is there or may be created. Throws what stands in the way. */
  checkIndex(name: string): Promise<void>
  /** One result per operation, in their order. */
  bulk(operations: readonly Operation[], signal?: AbortSignal): Promise<BulkResult>
  close(): Promise<void>
}

/** Connects and checks the credentials. Throws what stands in the way. */
export async function openIndexClient(config: Config, logger: Logger): Promise<IndexClient> {
  const server = await connect(config, await tlsSettings(config.ssl), logger)
  try {
    await ensureTemplate(server, config, logger)
    await checkPipeline(server, config, logger)
  } catch (error) {
    await server.wire.close()
    throw error
  }
  const indices = new Indices(server, config, logger)
  return {
    title: server.title,
    checkIndex: name => indices.check(name),
    bulk: async (operations, signal) => {
      for (const name of new Set(operations.map(operation => operation.index))) await indices.ensure(name)
      const results = await bulk(server, operations, signal)
      results.forEach((error, i) => {
        if (error?.code === 'PIO_ES_NO_INDEX') indices.forget(operations[i]?.index ?? '')
      })
      return results
    },
    close: () => server.wire.close(),
  }
}
