import { readFileSync } from 'node:fs'
import { parseSchema } from '@pulsar-io/schema'
import { isConnectorError, type Problem } from '@pulsar-io/sdk'
import { readFailure } from './config-file.ts'
import { ConfigProblems } from './config-problems.ts'

/** Where a configuration names schemas. */
interface Schemas {
  readonly schemaType?: unknown
  readonly topicToSchemaType?: { readonly [topic: string]: unknown } | undefined
  readonly inputSpecs?: { readonly [topic: string]: { readonly schemaType?: unknown } } | undefined
}

/**
 * The configuration with the definitions of its schemas in it: a worker has other files than this machine. What names
 * a type alone, as Pulsar's own worker takes it, stays as it is. Throws ConfigProblems.
 */
export function withInlineSchemas<Config extends Schemas>(config: Config): Config {
  const problems: Problem[] = []
  const inline = (schema: unknown, path: string): unknown => {
    if (schema === undefined || (typeof schema === 'string' && !schema.includes(':'))) return schema
    try {
      return parseSchema(schema, file => definition(file, path, problems))
    } catch (error) {
      if (!isConnectorError(error)) throw error
      problems.push({ path, message: error.message })
      return schema
    }
  }
  const { schemaType, topicToSchemaType, inputSpecs } = config
  const inlined = {
    ...config,
    ...(schemaType === undefined ? {} : { schemaType: inline(schemaType, 'schemaType') }),
    ...(topicToSchemaType === undefined
      ? {}
      : { topicToSchemaType: mapped(topicToSchemaType, (each, topic) => inline(each, `topicToSchemaType.${topic}`)) }),
    ...(inputSpecs === undefined
      ? {}
      : {
          inputSpecs: mapped(inputSpecs, (spec, topic) =>
            spec.schemaType === undefined
              ? spec
              : { ...spec, schemaType: inline(spec.schemaType, `inputSpecs.${topic}.schemaType`) },
          ),
        }),
  }
  if (problems.length > 0) throw new ConfigProblems(problems)
  return inlined
}

function definition(file: string, path: string, problems: Problem[]): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    problems.push({ path, message: `cannot read the definition ${file}: ${readFailure(error)}` })
    return '{}'
  }
}

function mapped<T>(
  values: { readonly [name: string]: T },
  change: (value: T, name: string) => unknown,
): { readonly [name: string]: unknown } {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value, name)]))
}
