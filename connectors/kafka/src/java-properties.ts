import { boolean, integer, secret } from '@pulsar-io/sdk'
import * as z from 'zod'

/** What Java's client is told by properties and this connector understands, too. */
const common = {
  'client.id': text('Name of the client in the server’s logs and quotas.'),
  'client.rack': text('Rack of this machine: reads come from a replica in the same one.'),
  'request.timeout.ms': whole('Time that a server has for an answer, in ms.', 1),
  'socket.connection.setup.timeout.ms': whole('Time to connect, in ms.', 1),
  'metadata.max.age.ms': whole('How often to look for new partitions and topics, in ms.', 100),
  'ssl.keystore.location': text('The same as sslKeystoreLocation.'),
  'ssl.keystore.password': hidden('Password of sslKeystoreLocation.'),
  'ssl.key.password': hidden('Password of the key in sslKeystoreLocation.'),
  'ssl.truststore.certificates': text('Certificates of the authorities to trust, as PEM text.'),
  'ssl.keystore.certificate.chain': text('The client’s certificate, as PEM text.'),
  'ssl.keystore.key': hidden('The client’s private key, as PEM text.'),
  'ssl.cipher.suites': text('Cipher suites to offer, by their OpenSSL names, separated by commas.'),
  'sasl.oauthbearer.token.endpoint.url': text('Where OAUTHBEARER gets its tokens by client credentials.'),
  'sasl.oauthbearer.client.credentials.client.id': text('Client that asks for tokens.'),
  'sasl.oauthbearer.client.credentials.client.secret': hidden('Its secret.'),
  'sasl.oauthbearer.scope': text('Scope to ask tokens for.'),
}

const consumer = {
  ...common,
  'isolation.level': z
    .enum(['read_committed', 'read_uncommitted'])
    .optional()
    .meta({ description: 'Instead of isolationLevel.' }),
  'fetch.max.bytes': whole('Bytes of one answer at most.', 1024),
  'fetch.max.wait.ms': whole('How long a server waits for fetchMinBytes, in ms.', 0),
  'max.partition.fetch.bytes': whole('Bytes of one partition in an answer at most.', 1024),
  'max.poll.records': whole('Records that are handed on at once, at most.', 1),
  'max.poll.interval.ms': whole('Time to settle what is in flight before partitions are handed over, in ms.', 1000),
  'group.instance.id': text('Name of a static member; each instance appends its number.'),
  'allow.auto.create.topics': boolean()
    .optional()
    .meta({ description: 'Lets the servers make a missing topic; true unless it says otherwise.' }),
}

const producer = {
  ...common,
  'compression.type': z
    .enum(['none', 'gzip', 'snappy', 'lz4', 'zstd'])
    .optional()
    .meta({ description: 'Instead of compressionType.' }),
  'enable.idempotence': boolean().optional().meta({
    description:
      'Numbers batches, so that one that is sent twice is written once; true unless it says otherwise, with acks all.',
  }),
  'linger.ms': whole('How long a batch waits for more records, in ms.', 0),
  'transactional.id': text('What the names of transactions begin with.'),
  'transaction.timeout.ms': whole('When the server gives up a transaction whose writer is gone, in ms.', 1000),
}

/** Fields of the configuration that say the same as a property; as in Pulsar the field wins. */
const FIELDS: { readonly [property: string]: string } = {
  'bootstrap.servers': 'bootstrapServers',
  'group.id': 'groupId',
  'security.protocol': 'securityProtocol',
  'sasl.mechanism': 'saslMechanism',
  'sasl.jaas.config': 'saslJaasConfig',
  'ssl.enabled.protocols': 'sslEnabledProtocols',
  'ssl.endpoint.identification.algorithm': 'sslEndpointIdentificationAlgorithm',
  'ssl.truststore.location': 'sslTruststoreLocation',
  'ssl.truststore.password': 'sslTruststorePassword',
  'fetch.min.bytes': 'fetchMinBytes',
  'enable.auto.commit': 'autoCommitEnabled',
  'auto.commit.interval.ms': 'autoCommitIntervalMs',
  'session.timeout.ms': 'sessionTimeoutMs',
  'heartbeat.interval.ms': 'heartbeatIntervalMs',
  'key.deserializer': 'keyDeserializationClass',
  'value.deserializer': 'valueDeserializationClass',
  'auto.offset.reset': 'autoOffsetReset',
  acks: 'acks',
  'batch.size': 'batchSize',
  'max.request.size': 'maxRequestSize',
  'key.serializer': 'keySerializerClass',
  'value.serializer': 'valueSerializerClass',
}

/** Properties whose value nobody may see although they have no effect here. */
const SECRETS = ['sasl.jaas.config', 'ssl.truststore.password', 'sasl.login.password', 'sasl.password']

export const consumerProperties = properties(consumer, 'consumer')
export const producerProperties = properties(producer, 'producer')

export type ConsumerProperties = z.output<typeof consumerProperties>
export type ProducerProperties = z.output<typeof producerProperties>

/** What to say of properties that are accepted and do nothing; undefined where all of them do something. */
export function withoutEffect(option: string, given: { readonly [name: string]: unknown }): string | undefined {
  const understood = option === 'producerConfigProperties' ? producer : consumer
  const others = Object.keys(given).filter(name => !Object.hasOwn(understood, name))
  if (others.length === 0) return undefined
  const named = others.map(name => (FIELDS[name] === undefined ? name : `${name} (use ${FIELDS[name]})`))
  return `${option}: no effect of ${named.join(', ')}`
}

function properties<S extends z.ZodRawShape>(understood: S, kind: 'consumer' | 'producer') {
  const others = Object.fromEntries(SECRETS.map(name => [name, hidden('No effect here; never shown.')]))
  return z
    .object({ ...others, ...understood } as S)
    .catchall(z.union([z.string(), z.number(), z.boolean()], { error: 'must be a text, a number, or true or false' }))
    .prefault({} as never)
    .meta({
      description: `Properties of Java’s ${kind}. Those that have a meaning here are listed below; others are named once in the log.`,
    })
}

function text(description: string) {
  return z.string({ error: 'must be a text' }).optional().meta({ description })
}

function hidden(description: string) {
  return secret().optional().meta({ description })
}

function whole(description: string, min: number) {
  return integer({ min }).optional().meta({ description })
}
