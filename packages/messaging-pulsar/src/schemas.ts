import type { SchemaInfo } from '@pulsar-io/sdk'
import type { Connection } from './connection/connection.ts'
import { namedError, ServerFailure } from './errors.ts'
import { fromWireSchema, toWireSchema, versionText } from './wire/schema.ts'

/** Schemas by topic and version; a version never changes, so what was fetched once stays. */
export class SchemaCache {
  private readonly connection: (topic: string) => Promise<Connection>
  private readonly known = new Map<string, SchemaInfo | undefined>()
  private readonly fetching = new Map<string, Promise<SchemaInfo | undefined>>()

  /** `connection`: to any broker that knows the topic. */
  constructor(connection: (topic: string) => Promise<Connection>) {
    this.connection = connection
  }

  /** What is known already; undefined: it has to be fetched. */
  peek(topic: string, version: Uint8Array): { readonly schema: SchemaInfo | undefined } | undefined {
    const key = keyOf(topic, version)
    return this.known.has(key) ? { schema: this.known.get(key) } : undefined
  }

  /** Asks the broker. Resolves with undefined where there is no such schema. */
  fetch(topic: string, version: Uint8Array): Promise<SchemaInfo | undefined> {
    const key = keyOf(topic, version)
    let fetching = this.fetching.get(key)
    if (fetching === undefined) {
      fetching = this.ask(topic, version)
        .then(schema => {
          this.known.set(key, schema)
          return schema
        })
        .finally(() => this.fetching.delete(key))
      this.fetching.set(key, fetching)
    }
    return fetching
  }

  /** The schema that a topic has now. */
  latest(topic: string): Promise<SchemaInfo | undefined> {
    return this.ask(topic, undefined)
  }

  /** Registers a schema, or finds it. Resolves with its version. */
  async register(topic: string, schema: SchemaInfo): Promise<Uint8Array> {
    const action = `registering the ${schema.type} schema ${schema.name ?? ''} of ${topic}`
    const wire = toWireSchema(schema)
    if (wire === undefined) return new Uint8Array()
    try {
      const connection = await this.connection(topic)
      const answer = await connection.request(
        'getOrCreateSchema',
        { topic, schema: wire },
        'getOrCreateSchemaResponse',
        action,
      )
      if (answer.errorCode !== undefined) throw new ServerFailure(answer.errorCode, answer.errorMessage ?? '')
      return answer.schemaVersion ?? new Uint8Array()
    } catch (error) {
      throw namedError(error, { action, topic })
    }
  }

  private async ask(topic: string, version: Uint8Array | undefined): Promise<SchemaInfo | undefined> {
    const action = `asking for a schema of ${topic}`
    try {
      const connection = await this.connection(topic)
      const answer = await connection.request(
        'getSchema',
        version === undefined ? { topic } : { topic, schemaVersion: version },
        'getSchemaResponse',
        action,
      )
      if (answer.errorCode !== undefined) {
        const failure = new ServerFailure(answer.errorCode, answer.errorMessage ?? '')
        if (failure.error === 'TopicNotFound') return undefined
        throw failure
      }
      if (answer.schema === undefined) return undefined
      const schema = fromWireSchema(answer.schema)
      const known = version ?? answer.schemaVersion
      return schema === undefined || known === undefined ? schema : { ...schema, version: versionText(known) }
    } catch (error) {
      throw namedError(error, { action, topic })
    }
  }
}

function keyOf(topic: string, version: Uint8Array): string {
  return `${Buffer.from(version.buffer, version.byteOffset, version.length).toString('hex')} ${topic}`
}
