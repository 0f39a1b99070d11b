import type { StandbyThread } from '@pulsar-io/engine/standby'
import { type ConnectorKind, isConnectorError, type Problem } from '@pulsar-io/sdk'
import { ArchiveLookup } from '../config/archive-lookup.ts'
import { connectorFromFlags } from '../config/connector-config.ts'
import { type FlagValues, flagKey, flagName } from '../flags/flag.ts'
import { inertFlags } from '../flags/local.ts'
import { messagingWarnings } from '../flags/messaging-address.ts'
import { localOptions } from '../flags/run-options.ts'
import { runSession } from '../session.ts'
import { kindOf } from './kind.ts'

/** `sinks localrun`, `sources localrun`, and with no kind the bare `runtime --archive …`. */
export async function localrun(
  kind: ConnectorKind | undefined,
  values: FlagValues,
  standby: StandbyThread | undefined,
): Promise<number> {
  const problems: Problem[] = []
  const local = localOptions(values, problems)
  const lookup = new ArchiveLookup(local.engine)
  const known = kind ?? (await kindOf(values, lookup))
  const connector = await connectorFromFlags(known, values, lookup, problems)
  const inert = inertFlags
    .flatMap(group => group.flags)
    .filter(flag => values[flagKey(flag)] !== undefined)
    .map(flag => `${flagName(flag)} has no effect here: ${flag.inert}`)
  const warnings = [...inert, ...messagingWarnings(values)]
  const explain = async (error: unknown) => {
    const found = (error as { problems?: readonly Problem[] }).problems
    const explainable = isConnectorError(error) && error.code === 'PIO_CONFIG' && found !== undefined
    return explainable ? connector.explain(found) : error
  }
  return runSession([connector.spec], { ...local, standby, warnings, explain })
}
