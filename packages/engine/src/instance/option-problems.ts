import type { ConnectorKind, JsonSchema } from '@pulsar-io/sdk'
import { isConnectorError, type Problem } from '@pulsar-io/sdk/core'
import { loadConnector, type ResolvedArchive } from '../archive/index.ts'
import { type Failure, toFailure } from '../failure.ts'

/** Options that a connector is to look at; plain data, so that it crosses to a thread. */
export interface OptionCheck {
  readonly archive: ResolvedArchive
  readonly kind: ConnectorKind
  readonly configs: { readonly [name: string]: unknown }
  readonly secrets: { readonly [name: string]: unknown } | undefined
}

/** What the connector says: problems, or why it cannot be asked. */
export type OptionAnswer = { readonly problems: readonly Problem[] } | { readonly failure: Failure }

/** Loads the connector's code here and has it check its options. Never rejects. */
export async function optionProblems({ archive, kind, configs, secrets }: OptionCheck): Promise<OptionAnswer> {
  try {
    const definition = await loadConnector(archive, kind)
    const result = definition.parse(withSecrets(configs, secrets, definition.jsonSchema()))
    return { problems: result.ok ? [] : result.problems }
  } catch (error) {
    const problems = isConnectorError(error) ? (error as { problems?: readonly Problem[] }).problems : undefined
    return problems === undefined ? { failure: toFailure(error) } : { problems }
  }
}

/** Secrets fill in options of their name when the connector starts: here they only have to be there. */
function withSecrets(configs: OptionCheck['configs'], secrets: OptionCheck['secrets'], schema: JsonSchema): object {
  const options = typeof schema.properties === 'object' && schema.properties !== null ? schema.properties : {}
  const filled = Object.keys(secrets ?? {}).filter(name => name in options && !(name in configs))
  return { ...configs, ...Object.fromEntries(filled.map(name => [name, '***'])) }
}
