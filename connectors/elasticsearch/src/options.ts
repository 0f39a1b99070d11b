import { boolean, integer, secret } from '@pulsar-io/sdk'
import * as z from 'zod'
import { problemsIn } from './rules.ts'

const text = () => z.string({ error: 'must be a text' })

const ssl = z.strictObject({
  enabled: boolean().default(false).meta({
    description:
      'Uses the settings below. Without it an https address is checked against the system’s own authorities.',
  }),
  provider: text().default('').meta({
    description: 'Name of a Java security provider. Accepted for Pulsar’s sake; without effect here.',
  }),
  hostnameVerification: boolean()
    .default(true)
    .meta({ description: 'Checks that the certificate is for the host of the address.' }),
  disableCertificateValidation: boolean().default(false).meta({
    description: 'Believes any certificate, so anybody in between can read and change the data. Logged as a warning.',
  }),
  truststorePath: text().default('').meta({
    description: 'File with the certificates of the authorities to trust, PEM. A Java keystore has to be converted.',
  }),
  truststorePassword: secret().default('').meta({ description: 'Password of a PKCS#12 truststore.' }),
  keystorePath: text().default('').meta({
    description: 'File with the client’s certificate and private key: PEM (both in one file) or PKCS#12.',
  }),
  keystorePassword: secret().default('').meta({ description: 'Password of the keystore or of the private key in it.' }),
  cipherSuites: text().default('').meta({
    description:
      'Cipher suites to offer, separated by commas, by their Java or OpenSSL names; the default is Node’s list.',
  }),
  protocols: text().default('TLSv1.2').meta({
    description: 'TLS versions to use, separated by commas: TLSv1.2, TLSv1.3.',
  }),
})

const fields = {
  elasticSearchUrl: text().meta({
    description:
      'Address of the cluster, for example http://localhost:9200; several addresses are separated by commas and used in turn.',
  }),
  indexName: text().default('').meta({
    description:
      'Index to write to; the default is the topic’s own name in lower case. %{+yyyy-MM-dd} is filled in from the event time in UTC (the publish time where there is none).',
  }),
  typeName: text().default('_doc').meta({
    description: 'Mapping type of older servers. Servers have had no types since version 8: accepted, without effect.',
  }),
  schemaEnable: boolean().default(false).meta({
    description:
      'true: the value as decoded by the topic’s schema becomes the document. false: the value is a JSON text and goes in as it is.',
  }),
  createIndexIfNeeded: boolean().default(false).meta({
    description: 'Creates a missing index with the shards and replicas given here. Otherwise the server decides.',
  }),
  indexNumberOfShards: integer({ min: 1 })
    .default(1)
    .meta({ description: 'Primary shards of an index that this connector creates.' }),
  indexNumberOfReplicas: integer({ min: 0 })
    .default(0)
    .meta({ description: 'Replicas of an index that this connector creates.' }),
  indexTemplateName: text().default('').meta({
    description: 'Name of indexTemplate on the server.',
  }),
  indexTemplate: z.record(z.string(), z.unknown(), { error: 'must be an object' }).default({}).meta({
    description:
      'An index template (index_patterns, template, data_stream, …) that is put on the server at start where it has none of indexTemplateName. createIndexIfNeeded leaves shards and replicas to it then.',
  }),
  dataStream: boolean().default(false).meta({
    description:
      'indexName is a data stream: documents are only added, and one without @timestamp gets the event time, or else the publish time. createIndexIfNeeded makes a missing one.',
  }),
  pipeline: text().default('').meta({
    description: 'Ingest pipeline that documents go through; empty: what the index says.',
  }),
  username: text().default('').meta({ description: 'User for basic authentication, together with password.' }),
  password: secret().default('').meta({ description: 'Password for basic authentication, together with username.' }),
  token: secret().default('').meta({ description: 'Bearer token, instead of username and password.' }),
  apiKey: secret().default('').meta({ description: 'API key in its base64 form, instead of username and password.' }),
  compatibilityMode: z.enum(['AUTO', 'ELASTICSEARCH_7', 'ELASTICSEARCH', 'OPENSEARCH']).default('AUTO').meta({
    description: 'The kind of server. AUTO asks it. ELASTICSEARCH is 8 or later.',
  }),
  bulkEnabled: boolean().default(false).meta({
    description:
      'Records are always written in bulk requests. true: a batch waits up to bulkFlushIntervalInMs to fill. false: a batch is what has come within 10 ms.',
  }),
  bulkActions: integer({ min: -1 }).default(1000).meta({
    description: 'Records in a bulk request at most; 0 or -1 stands for 10,000.',
  }),
  bulkSizeInMb: integer({ min: -1 }).default(5).meta({
    description: 'Size of a bulk request at most, in MiB; 0 or -1 stands for 50.',
  }),
  bulkConcurrentRequests: integer({ min: 0, max: 64 }).default(0).meta({
    description:
      'Bulk requests under way at the same time at most; 0 and 1 both mean one, while the next one is being gathered.',
  }),
  bulkFlushIntervalInMs: integer({ min: -1 }).default(1000).meta({
    description:
      'With bulkEnabled, milliseconds that a record waits for company at most; 0 or -1 stands for 10: no record is ever left waiting.',
  }),
  maxRetries: integer({ min: -1 }).default(1).meta({
    description: 'Accepted for Pulsar’s sake: the runtime retries, by its own policy, what may still succeed.',
  }),
  retryBackoffInMs: integer({ min: 0 }).default(100).meta({
    description: 'Accepted for Pulsar’s sake: the runtime retries with growing, jittered pauses.',
  }),
  maxRetryTimeInSec: integer({ min: -1 }).default(86400).meta({
    description: 'Accepted for Pulsar’s sake: the runtime retries, by its own policy, what may still succeed.',
  }),
  compressionEnabled: boolean()
    .default(false)
    .meta({ description: 'Sends requests compressed with gzip, and asks for compressed answers.' }),
  connectTimeoutInMs: integer({ min: 0 }).default(5000).meta({
    description: 'Milliseconds that connecting may take; 0 means no limit.',
  }),
  connectionRequestTimeoutInMs: integer({ min: 0 }).default(1000).meta({
    description: 'Accepted for Pulsar’s sake: nothing waits for a free connection here.',
  }),
  connectionIdleTimeoutInMs: integer({ min: 0 }).default(5).meta({
    description:
      'Milliseconds that an unused connection is kept. Less than 1000 counts as 1000, so that a pause between two requests does not cost a new connection.',
  }),
  socketTimeoutInMs: integer({ min: 0 }).default(60000).meta({
    description: 'Milliseconds that an answer may take; 0 means no limit.',
  }),
  keyIgnore: boolean().default(true).meta({
    description:
      'false: the record’s key is the document’s _id, so a later record of a key replaces the earlier. true: the _id comes from primaryFields, or else from the record’s position in its topic.',
  }),
  primaryFields: text().default('').meta({
    description: 'Fields of the document, separated by commas, that make its _id.',
  }),
  canonicalKeyFields: boolean().default(false).meta({
    description: 'Sorts the fields of a structured key, so that their order makes no other _id.',
  }),
  copyKeyFields: boolean().default(false).meta({
    description: 'Copies the fields of a structured key into the document; the document’s own fields win.',
  }),
  documentVersion: z.enum(['POSITION', 'NONE']).default('POSITION').meta({
    description:
      'Version of documents whose _id comes from a key or a field. POSITION: one that grows with the position in the topic, so that an old record which comes again never overwrites a newer one. NONE: the server counts, and the last write wins.',
  }),
  idHashingAlgorithm: z.enum(['NONE', 'SHA256', 'SHA512']).default('NONE').meta({
    description: 'Replaces the _id by its hash in base64, for ids longer than the 512 bytes that a server takes.',
  }),
  conditionalIdHashing: boolean()
    .default(false)
    .meta({ description: 'Hashes only ids that are longer than 512 bytes.' }),
  stripNulls: boolean().default(true).meta({
    description: 'Leaves null fields and null list items out of documents. Applies with schemaEnable.',
  }),
  stripNonPrintableCharacters: boolean()
    .default(true)
    .meta({ description: 'Removes control and other invisible characters from documents.' }),
  nullValueAction: z.enum(['IGNORE', 'DELETE', 'FAIL']).default('IGNORE').meta({
    description: 'For a record without a value: skip it, delete the document of its key, or make it a dead letter.',
  }),
  malformedDocAction: z.enum(['IGNORE', 'WARN', 'FAIL']).default('FAIL').meta({
    description:
      'For a value that is no JSON object and for a document that the server refuses: drop it, drop it with a warning, or make it a dead letter.',
  }),
  ssl: ssl.prefault({}).meta({ description: 'TLS settings.' }),
}

/** The configuration of the sink, in Pulsar's words. */
export const options = z.strictObject(fields).superRefine(
  (config, context) => {
    for (const { path, message } of problemsIn(config)) context.addIssue({ code: 'custom', path: [...path], message })
  },
  // Looked at also where a field is wrong, so that all problems come out at once.
  { when: () => true },
)

/** A checked configuration. */
export type Config = z.output<typeof options>
