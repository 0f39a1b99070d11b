import {
  type ConnectorSpec,
  checkConnectors,
  inspectArchive,
  lintArchive,
  loadConnector,
  resolveArchive,
} from '@pulsar-io/engine'
import {
  type ConnectorDefinition,
  type ConnectorKind,
  isConnectorError,
  type Manifest,
  type Problem,
} from '@pulsar-io/sdk'
import { isObject } from './shape.ts'

/** Where archives come from. */
export interface LookupOptions {
  readonly connectorsDir?: string | undefined
  readonly allowedUrls?: readonly string[] | undefined
}

/** Asks archives about themselves, each at most once. */
export class ArchiveLookup {
  readonly #options: LookupOptions
  readonly #manifests = new Map<string, Promise<Manifest>>()

  constructor(options: LookupOptions) {
    this.#options = options
  }

  /** Reads the manifest; no code of the archive runs. Throws an ArchiveError. */
  manifest(reference: string): Promise<Manifest> {
    const known = this.#manifests.get(reference)
    if (known !== undefined) return known
    const asked = resolveArchive(reference, this.#options).then(({ manifest }) => manifest)
    this.#manifests.set(reference, asked)
    return asked
  }

  /** The names of a connector's options; undefined while its archive is not known or refused, which is said later. */
  async optionNames(archive: string | undefined, kind: ConnectorKind): Promise<ReadonlySet<string> | undefined> {
    if (archive === undefined) return undefined
    try {
      const properties = (await this.manifest(archive))[kind]?.configSchema.properties
      return isObject(properties) ? new Set(Object.keys(properties)) : undefined
    } catch (error) {
      if (isConnectorError(error)) return undefined
      throw error
    }
  }

  /** Loads the connector's code. Throws an ArchiveError. */
  async load(reference: string, kind: ConnectorKind): Promise<ConnectorDefinition> {
    return loadConnector(await resolveArchive(reference, this.#options), kind)
  }

  /** Loads the connector and has it check its options. Throws an ArchiveError. */
  async configProblems(
    reference: string,
    kind: ConnectorKind,
    configs: unknown,
    secrets?: unknown,
  ): Promise<readonly Problem[]> {
    const definition = await this.load(reference, kind)
    const result = definition.parse(
      isObject(configs) ? withSecrets(configs, secrets, definition.jsonSchema()) : configs,
    )
    return result.ok ? [] : result.problems
  }

  /** What the engine would say of the rules between the fields, and of connectors that run together. */
  async planProblems(specs: readonly ConnectorSpec[]): Promise<readonly Problem[]> {
    try {
      const { connectorsDir, allowedUrls } = this.#options
      await checkConnectors(specs, {
        ...(connectorsDir ? { connectorsDir } : {}),
        ...(allowedUrls ? { allowedUrls } : {}),
      })
      return []
    } catch (error) {
      const { problems } = error as { problems?: readonly Problem[] }
      if (isConnectorError(error) && problems !== undefined) return problems
      throw error
    }
  }

  /** What a user would miss in an archive that runs. Throws an ArchiveError when it does not. */
  lint(reference: string): ReturnType<typeof lintArchive> {
    return lintArchive(reference, this.#options)
  }

  inspect(reference: string): ReturnType<typeof inspectArchive> {
    return inspectArchive(reference, this.#options)
  }
}

/** Secrets fill in options of their name when the connector starts: here they only have to be there. */
function withSecrets(configs: object, secrets: unknown, schema: { readonly properties?: unknown }): object {
  if (!isObject(secrets)) return configs
  const options = isObject(schema.properties) ? schema.properties : {}
  const filled = Object.keys(secrets).filter(name => name in options && !(name in configs))
  return { ...configs, ...Object.fromEntries(filled.map(name => [name, '***'])) }
}

/** What a configuration names as its archive. */
export function archiveOf(kind: ConnectorKind, fields: { readonly [field: string]: unknown }): string | undefined {
  if (typeof fields.archive === 'string' && fields.archive !== '') return fields.archive
  const type = kind === 'sink' ? fields.sinkType : fields.sourceType
  return typeof type === 'string' && type !== '' ? `builtin://${type}` : undefined
}
