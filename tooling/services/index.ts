/**
 * Real servers for tests. See README.md beside this file.
 *
 * @example
 * const es = await service('elasticsearch')
 * describe.skipIf(!es.available)('with Elasticsearch', () => { … })
 */

import { type ServiceName, servers } from './servers/index.ts'
import { realSurroundings, resolveDedicated, resolveShared } from './service.ts'
import type { DedicatedService, Service, UnavailableService } from './types.ts'

export { addBuiltin, javaConnector, pulsarAdmin, type Tool } from './pulsar-tools.ts'
export { type Python, python } from './python.ts'
export type { ServiceName } from './servers/index.ts'
export { BASIC_USER as pulsarBasicUser, pulsarToken } from './servers/pulsar-secured.ts'
export type { AvailableService, Credentials, DedicatedService, Origin, Service, UnavailableService } from './types.ts'

/**
 * A running server that all test files of a run share; start names and indices with something of your own.
 * @throws when the server starts but does not become ready, and with `CI` set also when there is none.
 */
export function service(name: ServiceName, options?: { dedicated?: false }): Promise<Service>
/** A running server of one's own that may be stopped, killed and restarted. Call `close()` in the end. */
export function service(name: ServiceName, options: { dedicated: true }): Promise<DedicatedService | UnavailableService>
export function service(name: ServiceName, options: { dedicated?: boolean } = {}): Promise<Service> {
  const descriptor = servers[name]
  return options.dedicated
    ? resolveDedicated(descriptor, realSurroundings())
    : resolveShared(descriptor, realSurroundings())
}
