import type { ServerDescriptor } from '../types.ts'
import { cassandra, cassandraSecured } from './cassandra.ts'
import { elasticsearch } from './elasticsearch.ts'
import { elasticsearch8, elasticsearch8Secured } from './elasticsearch8.ts'
import { kafka, kafkaSecured } from './kafka.ts'
import { opensearch } from './opensearch.ts'
import { postgresql } from './postgresql.ts'
import { pulsar, pulsarFunctions, pulsarSecured } from './pulsar.ts'
import { rabbitmq, rabbitmqSecured } from './rabbitmq.ts'
import { timescaledb } from './timescaledb.ts'

/** Every server that `service()` knows, by name. A new one is a file beside this and a line here. */
export const servers = {
  cassandra,
  'cassandra-secured': cassandraSecured,
  elasticsearch,
  elasticsearch8,
  'elasticsearch8-secured': elasticsearch8Secured,
  kafka,
  'kafka-secured': kafkaSecured,
  opensearch,
  postgresql,
  pulsar,
  'pulsar-functions': pulsarFunctions,
  'pulsar-secured': pulsarSecured,
  rabbitmq,
  'rabbitmq-secured': rabbitmqSecured,
  timescaledb,
} as const satisfies Record<string, ServerDescriptor>

export type ServiceName = keyof typeof servers
