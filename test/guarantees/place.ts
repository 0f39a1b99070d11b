import type { TcpProxy } from '@pulsar-io/testkit'
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
  /** About how many of these lines are in a topic of the place; default: {@link topic}. */
  published(user: Workspace, lineBytes: number, topic?: string): Promise<number>
  /** Makes another topic, which keeps everything, with as many partitions; gives its name. */
  another?(name: string): Promise<string>
  /** Has another broker serve the topic, or the same one anew. */
  unload?(): Promise<void>
  /** Ends the broker in good order and starts it again. */
  restart?(): Promise<void>
  /** Ends the broker with SIGKILL and starts it again. */
  crash?(): Promise<void>
  /** What stands between the command and the broker. */
  readonly proxy?: TcpProxy
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

/** What a place on a cluster is like. */
interface PulsarPlaceOptions {
  /** Partitions of the topic; default: it has none. */
  readonly partitions?: number
  /** See {@link brokerProxy}. */
  readonly proxy?: TcpProxy
}

/** In a namespace of its own on a cluster, where deduplication is on and nothing that was published goes away. */
export async function onPulsar(cluster: ClusterService, options: PulsarPlaceOptions = {}): Promise<Place> {
  const { partitions = 0, proxy } = options
  const admin = adminOf(cluster)
  const namespace = await freshNamespace({ deduplication: true, cluster })
  const pathOf = (topic: string) => topic.replace('://', '/')
  const another = async (name: string) => {
    const topic = `persistent://${namespace}/${name}`
    await admin('PUT', partitions === 0 ? pathOf(topic) : `${pathOf(topic)}/partitions`, partitions || undefined)
    await admin('PUT', `${pathOf(topic)}/subscription/keeps-everything`)
    return topic
  }
  const topic = await another('events')
  const own = isDedicated(cluster) ? cluster : undefined
  return {
    name: 'pulsar',
    topic,
    connector: namespace.replace('/', '-'),
    flags: clusterFlagsOf(proxy ? { ...cluster, url: proxy.url } : cluster),
    idle: '3s',
    async published(_, lineBytes, of = topic) {
      const stats = await admin('GET', `${pathOf(of)}/${partitions === 0 ? 'stats' : 'partitioned-stats'}`)
      return (stats as { readonly storageSize: number }).storageSize / lineBytes
    },
    another,
    unload: async () => {
      await admin('PUT', `${pathOf(topic)}/unload`)
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
    ...(proxy === undefined ? {} : { proxy }),
  }
}

function isDedicated(cluster: ClusterService): cluster is DedicatedService {
  return 'restart' in cluster
}
