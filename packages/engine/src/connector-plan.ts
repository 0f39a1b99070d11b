import type { ConnectorKind } from '@pulsar-io/sdk'
import { type ConfigError, isConnectorError, type Problem } from '@pulsar-io/sdk/core'
import type { ConnectorSpec, RunningConnector, RunOptions } from './api.ts'
import { type ResolvedArchive, resolveArchive } from './archive/index.ts'
import { inertFields } from './config/inert.ts'
import { archiveReference, planInstances } from './config/plan.ts'
import type { InstanceSpec } from './instance/spec.ts'
import type { InstanceSnapshot } from './snapshot.ts'
import { connectorStatus } from './status.ts'

/** A connector that was checked and may start: what each of its instances has to do. */
export interface ConnectorPlan {
  readonly kind: ConnectorKind
  /** `tenant/namespace/name`. */
  readonly fqn: string
  readonly archive: ResolvedArchive
  /** One line for each field that is set and has no effect here. */
  readonly inert: readonly string[]
  /** By their id. */
  readonly instances: readonly InstanceSpec[]
}

/** Options that decide what a plan holds. */
export type PlanOptions = Pick<RunOptions, 'connectorsDir' | 'cacheDir' | 'allowedUrls' | 'messaging' | 'batch'>

/**
 * Checks a connector, its archive included, without starting anything. An archive that was resolved already goes
 * before the one that the configuration names.
 * Throws a ConfigError with everything that is wrong, or an ArchiveError.
 */
export async function planConnector(
  spec: ConnectorSpec,
  options: PlanOptions,
  archive?: ResolvedArchive,
): Promise<ConnectorPlan> {
  const resolved =
    archive ??
    (await resolveArchive(archiveReference(spec), {
      connectorsDir: options.connectorsDir,
      cacheDir: options.cacheDir,
      allowedUrls: options.allowedUrls,
    }))
  const instances = planInstances(spec, resolved, options, await transformProblems(spec))
  return { kind: spec.kind, fqn: instances[0]?.fqn ?? '', archive: resolved, inert: inertFields(spec), instances }
}

/** What is wrong with the transforms; all of it is to be known before anything starts. */
async function transformProblems({ config }: ConnectorSpec): Promise<readonly Problem[]> {
  if (config.transforms === undefined) return []
  // Most runs have none, and start without their modules.
  const { compileTransforms } = await import('./transform/index.ts')
  try {
    await compileTransforms(config.transforms, { secret: () => undefined, checkOnly: true })
    return []
  } catch (error) {
    if (!isConnectorError(error)) throw error
    return (error as ConfigError).problems
  }
}

/** A planned connector as status and metrics see it. */
export function runningConnector(
  { kind, fqn, instances }: ConnectorPlan,
  snapshots: () => readonly InstanceSnapshot[],
  workerId: string,
): RunningConnector {
  const [first] = instances
  return {
    kind,
    fqn,
    tenant: first?.tenant ?? '',
    namespace: first?.namespace ?? '',
    name: first?.name ?? '',
    topics: first === undefined ? [] : topicsOf(first),
    snapshots,
    status: () => connectorStatus(kind, snapshots(), workerId),
  }
}

function topicsOf(spec: InstanceSpec): readonly string[] {
  if (spec.kind === 'source') return [spec.destinationTopic]
  return spec.topicsPattern ? [spec.topicsPattern] : spec.inputs
}
