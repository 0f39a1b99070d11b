import type { ConnectorDefinition } from '@pulsar-io/admin'
import type { ConnectorKind, Problem } from '@pulsar-io/sdk'
import { connection } from '../../admin-connection.ts'
import { ConfigProblems } from '../../config/config-problems.ts'
import { EXIT } from '../../exit.ts'
import type { FlagValues } from '../../flags/flag.ts'
import { table } from '../../output.ts'
import { calling } from './calling.ts'
import { formatOf, formatted, print } from './output.ts'
import { namespaceOf, targetOf } from './target.ts'

/** `list`. */
export async function list(kind: ConnectorKind, values: FlagValues): Promise<number> {
  const problems: Problem[] = []
  const connect = await connection(values, problems)
  const format = formatOf(values, problems)
  if (problems.length > 0) throw new ConfigProblems(problems)
  return calling(connect, async admin => {
    const { tenant, namespace } = namespaceOf(values)
    const names = await admin[`${kind}s`].list(`${tenant}/${namespace}`)
    await print(
      await formatted(names, format, () =>
        [...names]
          .sort()
          .map(name => `${name}\n`)
          .join(''),
      ),
    )
    return EXIT.ok
  })
}

/** `get`. */
export async function get(kind: ConnectorKind, values: FlagValues, argument?: string): Promise<number> {
  const problems: Problem[] = []
  const connect = await connection(values, problems)
  const format = formatOf(values, problems)
  const name = targetOf(values, argument, problems)
  if (problems.length > 0) throw new ConfigProblems(problems)
  return calling(connect, async admin => {
    const config = await admin[`${kind}s`].get(name)
    await print(await formatted(config, format, () => table(['FIELD', 'VALUE'], fieldRows(config))))
    return EXIT.ok
  })
}

/** `available-sinks`, `available-sources`. */
export async function available(kind: ConnectorKind, values: FlagValues): Promise<number> {
  const problems: Problem[] = []
  const connect = await connection(values, problems)
  const format = formatOf(values, problems)
  if (problems.length > 0) throw new ConfigProblems(problems)
  return calling(connect, async admin => {
    const all = await admin[`${kind}s`].available()
    // Pulsar's worker names every connector to whoever asks for either kind.
    const own = all.filter(each => Boolean(kind === 'sink' ? each.sinkClass : each.sourceClass))
    await print(await formatted(own, format, () => table(['NAME', 'DESCRIPTION'], own.map(builtinRow))))
    return EXIT.ok
  })
}

function builtinRow({ name, description = '' }: ConnectorDefinition): readonly string[] {
  return [name, description]
}

/** Options of the connector and the like have a row each. */
function fieldRows(value: object, prefix = ''): (readonly string[])[] {
  return Object.entries(value).flatMap(([name, field]: [string, unknown]) => {
    const path = `${prefix}${name}`
    if (typeof field === 'object' && field !== null && !Array.isArray(field)) return fieldRows(field, `${path}.`)
    const text = Array.isArray(field) && field.every(each => typeof each === 'string') ? field.join(', ') : undefined
    return [[path, text ?? (typeof field === 'string' ? field : JSON.stringify(field))]]
  })
}
