import type { StandbyThread } from '@pulsar-io/engine/standby'
import { type ConnectorKind, isConnectorError, type Problem } from '@pulsar-io/sdk'
import { ArchiveLookup } from '../config/archive-lookup.ts'
import { readConfigFile } from '../config/config-file.ts'
import { ConfigProblems } from '../config/config-problems.ts'
import type { BuiltConnector } from '../config/connector-config.ts'
import { optionProblems, readPipeline } from '../config/pipeline.ts'
import { EXIT } from '../exit.ts'
import type { FlagValues } from '../flags/flag.ts'
import { localOptions } from '../flags/run-options.ts'
import { outputTo } from '../output.ts'
import { runSession } from '../session.ts'

/** `run -f`: all sources and sinks of a file in one process. */
export async function runFile(values: FlagValues, standby: StandbyThread | undefined): Promise<number> {
  const problems: Problem[] = []
  const local = localOptions(values, problems)
  const lookup = new ArchiveLookup(local.engine)
  const file = values.file
  if (typeof file !== 'string') {
    throw new ConfigProblems([...problems, { path: '--file', message: 'required: the pipeline, a JSON or YAML file' }])
  }
  const text = await readConfigFile(file, '--file', problems)
  const connectors = text === undefined ? [] : await readPipeline(text, lookup, problems, local.logLevel)
  const checkOnly = values.validateOnly === true || values.dryRun === true
  if (checkOnly || problems.length > 0) problems.push(...(await optionProblems(connectors)))
  if (checkOnly && problems.length === 0)
    problems.push(...(await lookup.planProblems(connectors.map(each => each.spec))))
  if (problems.length > 0) throw new ConfigProblems(problems)
  if (checkOnly) {
    const names = connectors.map(({ spec }) => spec.kind)
    const count = (kind: ConnectorKind) => names.filter(each => each === kind).length
    await outputTo(process.stdout).write(`${file} is valid: sources ${count('source')}, sinks ${count('sink')}\n`)
    return EXIT.ok
  }
  return runSession(
    connectors.map(({ spec }) => spec),
    {
      ...local,
      standby,
      warnings: [],
      explain: error => (isConfigError(error) ? explainAll(connectors, error) : Promise.resolve(error)),
    },
  )
}

/** The engine names the option but not the connector: the one whose own check complains is meant. */
async function explainAll(connectors: readonly BuiltConnector[], error: unknown): Promise<unknown> {
  const found = await optionProblems(connectors)
  return found.length > 0 ? new ConfigProblems(found) : error
}

function isConfigError(error: unknown): boolean {
  return isConnectorError(error) && error.code === 'PIO_CONFIG'
}
