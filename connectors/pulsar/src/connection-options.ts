import { parseTopicName } from '@pulsar-io/messaging'
import { boolean, duration, secret } from '@pulsar-io/sdk'
import * as z from 'zod'

export const text = () => z.string({ error: 'must be a text' })

const tls = z.strictObject({
  trustCerts: text().default('').meta({
    description: 'File with the certificates of the authorities to trust, PEM; empty: those that Node comes with.',
  }),
  allowInsecure: boolean().default(false).meta({
    description: 'Believes any certificate, so anybody in between can read and change the data. Logged as a warning.',
  }),
  verifyHostname: boolean()
    .default(true)
    .meta({ description: 'Checks that the certificate is for the host of the address.' }),
})

/** What the source and the sink need to connect. */
export const connectionFields = {
  serviceUrl: text().meta({
    description:
      'Address of the cluster: pulsar://HOST:6650, pulsar+ssl://HOST:6651, or its http(s) address; several hosts with commas.',
  }),
  adminUrl: text().default('').meta({
    description:
      'Address of the cluster’s admin interface; empty: port 8080 (8443 with TLS) of the hosts of serviceUrl.',
  }),
  authPlugin: text().default('').meta({
    description: 'How to log in: token, basic, tls, oauth2, or the name of Pulsar’s own plugin. Empty: not at all.',
  }),
  authParams: secret().default('').meta({
    description:
      'What the plugin needs, as Pulsar’s tools take it: token:TOKEN, file:///PATH, JSON or KEY:VALUE,KEY:VALUE.',
  }),
  tls: tls.prefault({}).meta({ description: 'TLS settings, for addresses with pulsar+ssl or https.' }),
  operationTimeout: duration({ min: 100, max: 600_000 }).default(10_000).meta({
    description: 'How long the cluster may take to answer: to connect, to open, to close.',
  }),
}

const connection = z.object(connectionFields)

/** A checked configuration, as far as connecting goes. */
export type ConnectionConfig = z.output<typeof connection>

/** One thing that is wrong between options, or with one of them. */
export interface Contradiction {
  readonly path: string
  readonly message: string
}

const SERVICE = /^(pulsar|pulsar\+ssl|https?):\/\/[^/\s,]+(,[^/\s,]+)*\/?$/
const ADMIN = /^https?:\/\/[^\s]+$/

/** What is wrong between the options of a connection. Any of them may itself be wrong and have another type than declared. */
export function connectionContradictions(config: Partial<ConnectionConfig>): Contradiction[] {
  const found: Contradiction[] = []
  const { serviceUrl, adminUrl, authPlugin, authParams, tls } = config
  if (typeof serviceUrl === 'string' && !SERVICE.test(serviceUrl))
    found.push({ path: 'serviceUrl', message: 'must be an address such as pulsar://broker:6650' })
  if (adminUrl && !ADMIN.test(adminUrl))
    found.push({ path: 'adminUrl', message: 'must be an address such as http://broker:8080' })
  if (authPlugin === '' && authParams)
    found.push({
      path: 'authPlugin',
      message: 'required for authParams to have an effect: token, basic, tls or oauth2',
    })
  const plain = typeof serviceUrl === 'string' && /^(pulsar|http):/.test(serviceUrl) && !adminUrl?.startsWith('https:')
  if (plain && (tls?.trustCerts || tls?.allowInsecure === true))
    found.push({ path: 'serviceUrl', message: 'must begin with pulsar+ssl:// for the tls options to have an effect' })
  return found
}

/** Why a text is no name of a topic; undefined when it is one. */
export function topicProblem(topic: string): string | undefined {
  try {
    parseTopicName(topic)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
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
