import { openEmbedded } from '../../packages/messaging-embedded/src/index.ts'
import type { DedicatedService } from '../../tooling/services/index.ts'
import { adminOf, type ClusterService, clusterFlagsOf, freshNamespace } from '../support/pulsar.ts'
import type { Workspace } from '../support/workspace.ts'

/** Where the topic of a flow lives. */
export interface Place {
  readonly name: string
  readonly topic: string
  /** What the connector is called: checkpoints go by it, and a cluster keeps them. */
  readonly connector: string
  /** Flags of the command that name the place. */
  readonly flags: readonly string[]
  /** How long nothing has to come before nothing is left: longer than a consumer takes to get its turn. */
  readonly idle: string
  /** About how many of these lines are in the topic. */
  published(user: Workspace, lineBytes: number): Promise<number>
  /** Has another broker serve the topic, or the same one anew. */
  unload?(): Promise<void>
  /** Ends the broker in good order and starts it again. */
  restart?(): Promise<void>
  /** Ends the broker with SIGKILL and starts it again. */
  crash?(): Promise<void>
}

/** In the embedded log of the workspace. */
export async function inEmbeddedLog(): Promise<Place> {
  const topic = 'events'
  return {
    name: 'embedded',
    topic,
    connector: 'flow',
    flags: [],
    idle: '400ms',
    async published(user) {
      const client = await openEmbedded({ directory: user.path('.pulsar-io') })
      try {
        return (await client.topics.exists(topic)) ? (await client.topics.stats(topic)).messages : 0
      } finally {
        await client.close()
      }
    },
  }
}

/** In a namespace of its own on a cluster, where deduplication is on and nothing that was published goes away. */
export async function onPulsar(cluster: ClusterService): Promise<Place> {
  const admin = adminOf(cluster)
  const namespace = await freshNamespace({ deduplication: true, cluster })
  const path = `persistent/${namespace}/events`
  await admin('PUT', path)
  await admin('PUT', `${path}/subscription/keeps-everything`)
  const own = isDedicated(cluster) ? cluster : undefined
  return {
    name: 'pulsar',
    topic: `persistent://${namespace}/events`,
    connector: namespace.replace('/', '-'),
    flags: clusterFlagsOf(cluster),
    idle: '3s',
    async published(_, lineBytes) {
      const { storageSize } = (await admin('GET', `${path}/stats`)) as { readonly storageSize: number }
      return storageSize / lineBytes
    },
    unload: async () => {
      await admin('PUT', `${path}/unload`)
    },
    ...(own === undefined
      ? {}
      : {
          restart: () => own.restart(),
          crash: async () => {
            await own.kill()
            await own.start()
          },
        }),
  }
}

function isDedicated(cluster: ClusterService): cluster is DedicatedService {
  return 'restart' in cluster
}
