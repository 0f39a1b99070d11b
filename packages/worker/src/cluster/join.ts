import type { Coordinator } from '../coordination.ts'
import { suspendProofClock } from './clock.ts'
import { Cluster } from './cluster.ts'
import type { ClusterOptions } from './options.ts'

/**
 * Joins the workers that share a messaging system, alone or not, and resolves once it has looked around. Rejects with
 * everything closed again when the messaging system fails or the signal aborts.
 */
export async function joinCluster(options: ClusterOptions): Promise<Coordinator> {
  const cluster = new Cluster(options, suspendProofClock())
  await cluster.open()
  return cluster
}
