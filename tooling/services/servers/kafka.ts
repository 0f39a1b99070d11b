import type { ServerDescriptor } from '../types.ts'
import { installKafka, LAYOUT, launchKafka, launchSecuredKafka, SETTINGS } from './kafka-home.ts'
import { allowReading, probeKafka } from './kafka-probe.ts'

const VERSION = '4.3.1'

const installation: Pick<ServerDescriptor['local'], 'key' | 'install'> = {
  // Both kinds run from the same installed tree.
  key: `kafka-${VERSION}-${LAYOUT}`,
  install: context => installKafka(VERSION, context),
}

/** Apache Kafka without security: broker and controller in one JVM. */
export const kafka: ServerDescriptor = {
  name: 'kafka',
  title: `Apache Kafka ${VERSION}`,
  variable: 'KAFKA_URL',
  scheme: 'kafka',
  local: { ...installation, portCount: 4, launch: launchKafka },
  container: {
    image: `apache/kafka:${VERSION}`,
    port: 'as outside',
    environment: ({ ports }) => ({
      ...Object.fromEntries(
        Object.entries(SETTINGS).map(([key, value]) => [`KAFKA_${key.replaceAll('.', '_').toUpperCase()}`, value]),
      ),
      KAFKA_PROCESS_ROLES: 'broker,controller',
      KAFKA_NODE_ID: '1',
      KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_LISTENERS: `PLAINTEXT://:${ports[0]},CONTROLLER://:9093`,
      KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${ports[0]}`,
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    }),
  },
  probe: probeKafka,
}

/** Apache Kafka with TLS and users. There is none in a container: its certificates and users would have to get into it. */
export const kafkaSecured: ServerDescriptor = {
  name: 'kafka-secured',
  title: `Apache Kafka ${VERSION} with TLS and users`,
  variable: 'KAFKA_SECURED_URL',
  scheme: 'kafka',
  users: { owner: 'owner', readOnly: 'reader' },
  local: { ...installation, portCount: 3, launch: launchSecuredKafka },
  probe: probeKafka,
  settled: allowReading,
}
