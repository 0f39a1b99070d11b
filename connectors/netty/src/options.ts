import { boolean, duration, integer, secret, size, stringList } from '@pulsar-io/sdk'
import * as z from 'zod'

const text = () => z.string({ error: 'must be a text' })
const MIB = 1024 * 1024

const tls = z.strictObject({
  enabled: boolean().default(false).meta({ description: 'Encrypts tcp and http with the files below.' }),
  certFile: text().default('').meta({ description: 'File with the certificate and its chain, PEM.' }),
  keyFile: text().default('').meta({ description: 'File with the private key, PEM, without a password.' }),
  caFile: text().default('').meta({
    description: 'File with the certificates of the authorities that clients’ certificates come from, PEM.',
  }),
  requireClientCert: boolean()
    .default(false)
    .meta({ description: 'Lets only clients in whose certificate comes from an authority of caFile.' }),
})

const fields = {
  type: z
    .preprocess(value => (typeof value === 'string' ? value.toLowerCase() : value), z.enum(['tcp', 'udp', 'http']))
    .default('tcp')
    .meta({ type: 'string', enum: ['tcp', 'udp', 'http'], description: 'What to listen for, in any case.' }),
  host: text().min(1, 'must not be empty').default('127.0.0.1').meta({
    description:
      'Address or name of this machine to listen on. The default takes connections of this machine only; 0.0.0.0 takes all of IPv4, :: all of IPv6 and IPv4.',
  }),
  port: integer({ min: 0, max: 65535 }).default(10999).meta({
    description: 'Port to listen on; 0 takes a free one and logs it.',
  }),
  numberOfThreads: integer({ min: 1 }).default(1).meta({
    description:
      'Accepted for Pulsar’s sake: an instance is one event loop. parallelism starts more instances, which share the port.',
  }),
  schemaType: z.enum(['bytes', 'string', 'json']).default('bytes').meta({
    description:
      'What a record is: bytes as they came, UTF-8 text, or a JSON value. What does not fit is refused. The topic gets the schema.',
  }),
  remoteAddressProperty: text().default('').meta({
    description: 'Property that gets the client’s address, for example remote; empty for none.',
  }),
  maxBufferedBytes: size({ min: 1024 })
    .default(64 * MIB)
    .meta({
      description:
        'Bytes held in memory at most, of all clients together: incomplete frames and, as much again, records that wait for the topic (tcp), datagrams in wait (udp), requests until they are answered (http).',
    }),
  maxConnections: integer({ min: 1 }).default(10_000).meta({
    description: 'tcp, http: connections at the same time at most; further ones are closed at once.',
  }),
  closeTimeout: duration({ max: 3_600_000 }).default(5_000).meta({
    description: 'How long the end waits for records and requests under way before it cuts them off.',
  }),
  framing: z.enum(['lines', 'length', 'syslog', 'raw']).default('lines').meta({
    description:
      'tcp: what a record is: a line (LF or CRLF), as many bytes as the number in front of them says, a syslog message (RFC 6587: octet counting, or a line), or what one read of the socket brings.',
  }),
  lengthBytes: integer({ min: 1, max: 4 }).default(4).meta({
    description: 'tcp with framing length: bytes of the number in front, big-endian and unsigned: 1, 2 or 4.',
  }),
  maxFrameBytes: size({ min: 1 }).default(MIB).meta({
    description: 'tcp: length of a line or frame at most. A connection that sends a longer one is reset.',
  }),
  idleTimeout: duration({ max: 86_400_000 }).default(0).meta({
    description: 'tcp: resets a connection that sends nothing for so long; 0 never does.',
  }),
  frameTimeout: duration({ max: 86_400_000 }).default(60_000).meta({
    description: 'tcp: resets a connection that takes so long to send one line or frame; 0 never does.',
  }),
  maxQueuedDatagrams: integer({ min: 1 }).default(10_000).meta({
    description: 'udp: datagrams that wait for the topic at most. Further ones are dropped, counted and logged.',
  }),
  receiveBufferBytes: size({ max: 2 ** 31 - 1 })
    .default(0)
    .meta({ description: 'udp: size of the operating system’s receive buffer; 0 leaves the system’s default.' }),
  path: z
    .string()
    .regex(/^(\/[^?#\s]*)?$/, 'must start with / and have no ? or #')
    .default('')
    .meta({
      description: 'http: the path that takes records; empty for any. Another one is answered 404.',
    }),
  bodyFraming: z.enum(['auto', 'whole', 'lines']).default('auto').meta({
    description:
      'http: a body is one record, or one per line that is not empty. auto: lines where the content type is NDJSON or JSON Lines.',
  }),
  maxBodyBytes: size({ min: 1 }).default(MIB).meta({
    description: 'http: size of a body at most, before and after unpacking. A larger one is answered 413.',
  }),
  token: secret().default('').meta({
    description: 'http: what requests have to bring as Authorization: Bearer; empty lets everybody in.',
  }),
  keyHeader: text().default('X-Pulsar-Key').meta({ description: 'http: header with the key of the records.' }),
  eventTimeHeader: text().default('X-Pulsar-Event-Time').meta({
    description: 'http: header with the event time of the records, in milliseconds since 1970 or as ISO 8601.',
  }),
  propertyHeaders: stringList().default([]).meta({
    description: 'http: headers that become properties of the records, under the name given here.',
  }),
  headersTimeout: duration({ min: 100, max: 3_600_000 }).default(10_000).meta({
    description: 'http: how long a client may take to send the headers of a request.',
  }),
  requestTimeout: duration({ min: 100, max: 3_600_000 }).default(60_000).meta({
    description: 'http: how long a client may take to send a request as a whole.',
  }),
  keepAliveTimeout: duration({ min: 100, max: 3_600_000 }).default(10_000).meta({
    description: 'http: how long an unused connection is kept.',
  }),
  publishTimeout: duration({ min: 100, max: 3_600_000 }).default(30_000).meta({
    description: 'http: how long a request waits for its records to be published before it is answered 504.',
  }),
  tls: tls.prefault({}).meta({ description: 'TLS settings.' }),
}

/** The configuration of the source. */
export const options = z.strictObject(fields).superRefine(
  (config, context) => {
    for (const { path, message } of contradictions(config)) context.addIssue({ code: 'custom', path, message })
  },
  // Looked at also where a field is wrong, so that all problems come out at once.
  { when: () => true },
)

/** A checked configuration. */
export type Config = z.output<typeof options>

const HEADER = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** What is wrong between options. Any of them may itself be wrong and have another type than declared. */
function contradictions(config: Partial<Config>): { path: string[]; message: string }[] {
  const found: { path: string[]; message: string }[] = []
  const add = (path: string, message: string) => found.push({ path: path.split('.'), message })
  const { type, token, tls, lengthBytes } = config
  if (lengthBytes === 3) add('lengthBytes', 'must be 1, 2 or 4, got 3')
  if (token && (type === 'tcp' || type === 'udp'))
    add('token', `${type} has no place for a token; use type http, or tls.requireClientCert with type tcp`)
  for (const option of ['keyHeader', 'eventTimeHeader'] as const) {
    const name = config[option]
    if (typeof name === 'string' && name !== '' && !HEADER.test(name)) add(option, `${name} is not a header name`)
  }
  for (const name of Array.isArray(config.propertyHeaders) ? config.propertyHeaders : [])
    if (!HEADER.test(name)) add('propertyHeaders', `${JSON.stringify(name)} is not a header name`)
  if (tls?.enabled === true) {
    if (type === 'udp') add('tls.enabled', 'udp has no TLS; use type tcp or http')
    if (tls.certFile === '') add('tls.certFile', 'required with tls.enabled: file with the certificate, PEM')
    if (tls.keyFile === '') add('tls.keyFile', 'required with tls.enabled: file with the private key, PEM')
    if (tls.requireClientCert === true && tls.caFile === '')
      add('tls.caFile', 'required with tls.requireClientCert: file with the authorities of the clients, PEM')
    if (tls.requireClientCert === false && tls.caFile !== '')
      add('tls.caFile', 'has an effect only with tls.requireClientCert: true')
  } else if (tls?.enabled === false && (tls.requireClientCert === true || tls.certFile !== '' || tls.keyFile !== '')) {
    add('tls.enabled', 'must be true for the other tls options to have an effect')
  }
  return found
}
