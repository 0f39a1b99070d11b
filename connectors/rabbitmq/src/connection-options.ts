import { boolean, integer, secret } from '@pulsar-io/sdk'
import * as z from 'zod'

export const text = () => z.string({ error: 'must be a text' })

const tls = z.strictObject({
  caFile: text().default('').meta({
    description: 'File with the certificates of the authorities to trust, PEM; empty: those of the system.',
  }),
  certFile: text().default('').meta({ description: 'File with the client’s own certificate and its chain, PEM.' }),
  keyFile: text().default('').meta({ description: 'File with the private key of certFile, PEM.' }),
  keyPassword: secret().default('').meta({ description: 'Password of the private key.' }),
  hostnameVerification: boolean()
    .default(true)
    .meta({ description: 'Checks that the certificate is for the host of the address.' }),
  disableCertificateValidation: boolean().default(false).meta({
    description: 'Believes any certificate, so anybody in between can read and change the data. Logged as a warning.',
  }),
})

/** What the source and the sink need to connect. */
export const connectionFields = {
  host: text().min(1, 'must not be empty').meta({ description: 'Name or address of the RabbitMQ server.' }),
  port: integer({ min: 1, max: 65535 })
    .default(5672)
    .meta({ description: 'AMQP port of the server; with ssl mostly 5671.' }),
  virtualHost: text().min(1, 'must not be empty').default('/').meta({ description: 'Virtual host to work in.' }),
  username: text().default('guest').meta({
    description: 'User. A server lets guest in from its own machine only.',
  }),
  password: secret().default('guest').meta({ description: 'Password of the user.' }),
  connectionName: text().default('').meta({
    description: 'Name of the connection in the server’s lists and log; the default is the connector’s full name.',
  }),
  requestedChannelMax: integer({ min: 0, max: 65535 })
    .default(0)
    .meta({ description: 'Channels of the connection at most; 0 takes what the server allows.' }),
  requestedFrameMax: integer({ min: 0 })
    .default(0)
    .meta({ description: 'Bytes of a protocol frame at most, 4096 or more; 0 takes what the server allows.' }),
  connectionTimeout: integer({ min: 0 }).default(60_000).meta({
    description:
      'Milliseconds that connecting may take; 0 means no limit. The smaller of this and handshakeTimeout counts.',
  }),
  handshakeTimeout: integer({ min: 0 })
    .default(10_000)
    .meta({ description: 'Milliseconds of silence while connecting and logging in; 0 means no limit.' }),
  requestedHeartbeat: integer({ min: 0, max: 65535 }).default(60).meta({
    description: 'Seconds between signs of life; a server that is silent for two of them is away. 0 switches it off.',
  }),
  ssl: boolean().default(false).meta({ description: 'Encrypts the connection, with the settings in tls.' }),
  tls: tls.prefault({}).meta({ description: 'TLS settings; they need ssl: true.' }),
}

/** What the source and the sink say of a queue that they declare. */
export const queueFields = {
  queueType: z.enum(['default', 'classic', 'quorum', 'stream']).default('default').meta({
    description:
      'Type of a queue that is declared; default leaves it to the server. quorum and stream are always durable.',
  }),
  queueArguments: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()], { error: 'must be a text, number or boolean' }))
    .default({})
    .meta({
      description:
        'Further arguments of a queue that is declared, for example {"x-max-length": 10000, "x-dead-letter-exchange": "dlx"}.',
    }),
}

const connection = z.object(connectionFields)

/** A checked configuration, as far as connecting goes. */
export type ConnectionConfig = z.output<typeof connection>

/** One thing that is wrong between options. */
export interface Contradiction {
  readonly path: string
  readonly message: string
}

/** What is wrong between the options of a connection. Any of them may itself be wrong and have another type than declared. */
export function connectionContradictions({ ssl, tls, requestedFrameMax }: Partial<ConnectionConfig>): Contradiction[] {
  const found: Contradiction[] = []
  if (typeof requestedFrameMax === 'number' && requestedFrameMax > 0 && requestedFrameMax < 4096)
    found.push({ path: 'requestedFrameMax', message: `must be 0, or 4096 or more, got ${requestedFrameMax}` })
  if (!tls) return found
  if (ssl === false && (tls.caFile !== '' || tls.certFile !== '' || tls.keyFile !== ''))
    found.push({ path: 'ssl', message: 'must be true for the tls options to have an effect' })
  if (tls.certFile !== '' && tls.keyFile === '')
    found.push({ path: 'tls.keyFile', message: 'required with tls.certFile: file with the private key, PEM' })
  if (tls.keyFile !== '' && tls.certFile === '')
    found.push({ path: 'tls.certFile', message: 'required with tls.keyFile: file with the certificate, PEM' })
  return found
}

/** Adds what is wrong between options; also where a single field is wrong, so that all problems come out at once. */
export function checked<S extends z.ZodType>(schema: S, rules: (config: Partial<z.output<S>>) => Contradiction[]): S {
  return schema.superRefine(
    (config, context) => {
      for (const { path, message } of rules(config as Partial<z.output<S>>))
        context.addIssue({ code: 'custom', path: path.split('.'), message })
    },
    { when: () => true },
  )
}
