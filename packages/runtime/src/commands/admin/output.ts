import type { Problem } from '@pulsar-io/sdk'
import { flagValue } from '../../config/flag-fields.ts'
import { outputFlag } from '../../flags/admin.ts'
import type { FlagValues } from '../../flags/flag.ts'
import { json, outputTo } from '../../output.ts'

/** How a result is shown. */
export type Format = 'json' | 'table' | 'yaml'

/** What was asked for, else a table where somebody looks at a terminal and JSON where nobody does. */
export function formatOf(values: FlagValues, problems: Problem[]): Format {
  const asked = values.output === undefined ? undefined : flagValue(outputFlag, values.output, problems)
  return (asked as Format | undefined) ?? (process.stdout.isTTY ? 'table' : 'json')
}

/** A value in the form that was asked for. */
export async function formatted(value: unknown, format: Format, table: () => string): Promise<string> {
  if (format === 'table') return table()
  if (format === 'json') return json(value)
  const { stringify } = await import('../../config/yaml.ts')
  return stringify(value)
}

/** Writes a result to stdout. */
export async function print(text: string): Promise<void> {
  await outputTo(process.stdout).write(text)
}
