import { ConfigError } from '@pulsar-io/sdk'
import {
  type Client,
  type EmptyCallback,
  type ExecutionOptions,
  type Host,
  type HostMap,
  policies,
  types,
} from 'cassandra-driver'

const { DCAwareRoundRobinPolicy, LoadBalancingPolicy, TokenAwarePolicy } = policies.loadBalancing

/**
 * Sends each statement to a replica of the local datacenter. Which one that is comes from the configuration, or from
 * the cluster where it has only one. Its `init` fails with a ConfigError that lists them where it cannot tell.
 */
export class DatacenterPolicy extends LoadBalancingPolicy {
  #datacenter: string
  #inner: policies.loadBalancing.LoadBalancingPolicy | undefined

  constructor(datacenter: string) {
    super()
    this.#datacenter = datacenter
  }

  get datacenter(): string {
    return this.#datacenter
  }

  override init(client: Client, hosts: HostMap, callback: EmptyCallback): void {
    const known = [...new Set(hosts.values().map(host => host.datacenter))].sort()
    const problem = datacenterProblem(this.#datacenter, known)
    if (problem) {
      callback(new ConfigError([{ path: 'localDatacenter', message: problem }], { code: 'PIO_CASSANDRA_DATACENTER' }))
      return
    }
    this.#datacenter ||= known[0] ?? ''
    const inDatacenter = new DCAwareRoundRobinPolicy(this.#datacenter)
    // To find the replica of a row costs more than to be sent there saves, where there is one node to choose from.
    const several = hosts.values().filter(host => host.datacenter === this.#datacenter).length > 1
    this.#inner = several ? new TokenAwarePolicy(inDatacenter) : inDatacenter
    this.#inner.init(client, hosts, callback)
  }

  override getDistance(host: Host): types.distance {
    return this.#inner?.getDistance(host) ?? types.distance.local
  }

  override newQueryPlan(
    keyspace: string,
    options: ExecutionOptions,
    callback: (error: Error, iterator: Iterator<Host>) => void,
  ): void {
    this.#inner?.newQueryPlan(keyspace, options, callback)
  }

  override getOptions(): Map<string, object> {
    return new Map()
  }
}

/** What is wrong with the choice of a datacenter; empty for none. */
export function datacenterProblem(chosen: string, known: readonly string[]): string {
  const list = known.join(', ')
  if (chosen !== '') return known.includes(chosen) ? '' : `there is no datacenter ${chosen}; the cluster has ${list}`
  return known.length === 1 ? '' : `required: the cluster has several datacenters, choose the nearest of ${list}`
}
