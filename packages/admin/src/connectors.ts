import { packagePart } from './archive.ts'
import type { ConnectorName, SinkConfig, SourceConfig } from './config-types.ts'
import type { AdminHttp } from './http.ts'
import { type FormPart, multipart } from './multipart.ts'
import { fullName, namespaceParts } from './name.ts'
import type {
  ConfigFieldDefinition,
  ConnectorDefinition,
  ConnectorStatus,
  DeadLetterReplay,
  DeadLetters,
  LogLine,
  SinkInstanceStatus,
  SourceInstanceStatus,
} from './status-types.ts'
import { requireTransforms } from './transforms.ts'

/** What every call takes. */
export interface CallOptions {
  /** Ends the call. */
  readonly signal?: AbortSignal | undefined
}

/** What comes with a new configuration. */
export interface CreateOptions extends CallOptions {
  /**
   * A path of an archive that is uploaded, `builtin://NAME`, or a URL that the server fetches. Default: what the
   * configuration names in `archive`, by the same rules.
   */
  readonly archive?: string | URL | undefined
}

/** What comes with a changed configuration. */
export interface UpdateOptions extends CreateOptions {
  /** Store the login of this call with the connector anew. Only Pulsar's own worker knows it. */
  readonly updateAuthData?: boolean | undefined
  /** What {@link ConnectorsApi.describe} said: refused where somebody changed the connector since. */
  readonly ifVersion?: string | undefined
}

/** Which log lines. */
export interface LogOptions extends CallOptions {
  /** Lines behind this number; default 0. */
  readonly since?: number | undefined
  /** Lines at most, the latest; default 200. */
  readonly limit?: number | undefined
}

/** Which dead letters. */
export interface DeadLetterOptions extends CallOptions {
  /** Letters at most, the oldest; default 100, at most 1000. */
  readonly limit?: number | undefined
  /** Show the beginning of keys and values. Default false. */
  readonly showValues?: boolean | undefined
}

/** Which dead letters to replay. */
export interface ReplayOptions extends CallOptions {
  /** Letters at most, the oldest; default 1000, at most 10000. The worker ends earlier where they take long. */
  readonly limit?: number | undefined
  /** Leave letters of this time (milliseconds since 1970) or later: what was refused anew does not go round for ever. */
  readonly before?: number | undefined
  /** Count what would be replayed, and do nothing. Default false. */
  readonly dryRun?: boolean | undefined
}

/** A connector as a worker has it. */
export interface Description<Config> {
  readonly config: Config
  /** Changes with every change. Pulsar's own worker does not tell it. */
  readonly version: string | undefined
  /** Of an uploaded archive, in hex; Pulsar's own worker does not tell it. */
  readonly archiveSha256: string | undefined
}

/** What there is to do with sinks, or with sources. All methods reject with an AdminError. */
export interface ConnectorsApi<Config, Instance> {
  /** Names of the connectors of a namespace; default `public/default`. */
  list(namespace?: string, options?: CallOptions): Promise<string[]>
  get(name: ConnectorName, options?: CallOptions): Promise<Config>
  /** The configuration, and what this project's worker tells beside it. */
  describe(name: ConnectorName, options?: CallOptions): Promise<Description<Config>>
  create(config: Config, options?: CreateOptions): Promise<void>
  /** Changes what the configuration names; what it leaves out stays. Without an archive the code stays, too. */
  update(config: Config, options?: UpdateOptions): Promise<void>
  delete(name: ConnectorName, options?: CallOptions): Promise<void>
  /** Of all instances, or of one. */
  status(name: ConnectorName, options?: CallOptions): Promise<ConnectorStatus<Instance>>
  status(name: ConnectorName, instance: number, options?: CallOptions): Promise<Instance>
  /** All instances, or one. */
  start(name: ConnectorName, instance?: number, options?: CallOptions): Promise<void>
  stop(name: ConnectorName, instance?: number, options?: CallOptions): Promise<void>
  restart(name: ConnectorName, instance?: number, options?: CallOptions): Promise<void>
  /** Keeps all instances, or one, from taking records; they stay open. Only this project's worker does it. */
  pause(name: ConnectorName, instance?: number, options?: CallOptions): Promise<void>
  /** Ends a pause. Only this project's worker does it. */
  resume(name: ConnectorName, instance?: number, options?: CallOptions): Promise<void>
  /** The latest log lines of one instance. Only this project's worker has them. */
  logs(name: ConnectorName, instance: number, options?: LogOptions): Promise<LogLine[]>
  /** The dead letters that were not replayed. Only this project's worker has them. */
  deadLetters(name: ConnectorName, options?: DeadLetterOptions): Promise<DeadLetters>
  /**
   * Publishes dead letters of a sink again to where they came from, each once. Those of a source are refused. Only this
   * project's worker does it.
   */
  replayDeadLetters(name: ConnectorName, options?: ReplayOptions): Promise<DeadLetterReplay>
  /** The built-in connectors of the server. */
  available(options?: CallOptions): Promise<ConnectorDefinition[]>
  /** The options of a built-in connector. */
  options(builtin: string, options?: CallOptions): Promise<ConfigFieldDefinition[]>
  /** Has the server look for built-in connectors again. */
  reload(options?: CallOptions): Promise<void>
}

/** What is different between sinks and sources on the wire. */
interface Kind {
  /** As pulsar-admin spells it, so that every worker knows it: singular. */
  readonly path: 'sink' | 'source'
  readonly part: 'sinkConfig' | 'sourceConfig'
  readonly type: 'sinkType' | 'sourceType'
  readonly builtins: string
  readonly reload: string
}

const SINK: Kind = {
  path: 'sink',
  part: 'sinkConfig',
  type: 'sinkType',
  builtins: 'builtinsinks',
  reload: 'reloadBuiltInSinks',
}

const SOURCE: Kind = {
  path: 'source',
  part: 'sourceConfig',
  type: 'sourceType',
  builtins: 'builtinsources',
  reload: 'reloadBuiltInSources',
}

export const sinksOf = (http: AdminHttp) => connectorsOf<SinkConfig, SinkInstanceStatus>(http, SINK)
export const sourcesOf = (http: AdminHttp) => connectorsOf<SourceConfig, SourceInstanceStatus>(http, SOURCE)

function connectorsOf<Config extends SinkConfig & SourceConfig, Instance>(
  http: AdminHttp,
  kind: Kind,
): ConnectorsApi<Config, Instance> {
  const root = ['admin', 'v3', kind.path]
  const pathOf = (name: ConnectorName, ...more: readonly string[]) => {
    const { tenant, namespace, name: own } = fullName(name)
    return [...root, tenant, namespace, own, ...more]
  }
  const get = async (path: readonly string[], { signal }: CallOptions = {}): Promise<unknown> =>
    http.json({ method: 'GET', path, signal })
  const send = async (method: 'POST' | 'PUT', config: Config, options: UpdateOptions): Promise<void> => {
    const id = fullName(config)
    if ((config.transforms ?? []).length > 0) await requireTransforms(http, options.signal)
    const { archive, ...fields } = withArchive(config, kind, options.archive)
    const parts: (FormPart | undefined)[] = [
      jsonPart(kind.part, { ...fields, ...id, ...(archive === undefined ? {} : { archive: String(archive) }) }),
      options.updateAuthData === undefined
        ? undefined
        : jsonPart('updateOptions', { updateAuthData: options.updateAuthData }),
      await packagePart(archive),
    ]
    const body = multipart(parts.filter(part => part !== undefined))
    const headers = options.ifVersion === undefined ? undefined : { 'if-match': options.ifVersion }
    await http.json({ method, path: pathOf(id), body, headers, signal: options.signal })
  }
  const control =
    (action: string) =>
    async (name: ConnectorName, instance?: number, options: CallOptions = {}) => {
      const place = instance === undefined ? [] : [String(instance)]
      // Pulsar's routes take JSON, and an empty text for want of anything to say.
      const body = new Blob([''], { type: 'application/json' })
      await http.json({ method: 'POST', path: pathOf(name, ...place, action), body, signal: options.signal })
    }
  async function status(name: ConnectorName, options?: CallOptions): Promise<ConnectorStatus<Instance>>
  async function status(name: ConnectorName, instance: number, options?: CallOptions): Promise<Instance>
  async function status(name: ConnectorName, which?: number | CallOptions, options?: CallOptions): Promise<unknown> {
    return typeof which === 'number'
      ? get(pathOf(name, String(which), 'status'), options)
      : get(pathOf(name, 'status'), which)
  }
  return {
    list: async (namespace = 'public/default', options = {}) =>
      (await get([...root, ...namespaceParts(namespace)], options)) as string[],
    get: async (name, options) => (await get(pathOf(name), options)) as Config,
    describe: async (name, { signal } = {}) => {
      const { value, headers } = await http.answer({ method: 'GET', path: pathOf(name), signal })
      return {
        config: value as Config,
        version: headers.get('etag') ?? undefined,
        archiveSha256: headers.get('x-pulsar-io-archive-sha256') ?? undefined,
      }
    },
    create: (config, options = {}) => send('POST', config, options),
    update: (config, options = {}) => send('PUT', config, options),
    delete: async (name, { signal } = {}) => {
      await http.json({ method: 'DELETE', path: pathOf(name), signal })
    },
    status,
    start: control('start'),
    stop: control('stop'),
    restart: control('restart'),
    pause: control('pause'),
    resume: control('resume'),
    logs: async (name, instance, { since, limit, signal } = {}) => {
      const query = { since: since?.toString(), limit: limit?.toString() }
      return (await http.json({
        method: 'GET',
        path: pathOf(name, String(instance), 'logs'),
        query,
        signal,
      })) as LogLine[]
    },
    deadLetters: async (name, { limit, showValues, signal } = {}) => {
      const query = { limit: limit?.toString(), showValues: showValues?.toString() }
      return (await http.json({ method: 'GET', path: pathOf(name, 'dead-letters'), query, signal })) as DeadLetters
    },
    replayDeadLetters: async (name, { limit, before, dryRun, signal } = {}) => {
      const query = { limit: limit?.toString(), before: before?.toString(), dryRun: dryRun?.toString() }
      const path = pathOf(name, 'dead-letters', 'replay')
      return (await http.json({ method: 'POST', path, query, signal })) as DeadLetterReplay
    },
    available: async options => (await get([...root, kind.builtins], options)) as ConnectorDefinition[],
    options: async (builtin, options) =>
      (await get([...root, kind.builtins, builtin, 'configdefinition'], options)) as ConfigFieldDefinition[],
    reload: async ({ signal } = {}) => {
      await http.json({ method: 'POST', path: [...root, kind.reload], signal })
    },
  }
}

/** Names the archive once: `sinkType` is another word for it, and pulsar-admin sends it so. */
function withArchive<Config extends SinkConfig & SourceConfig>(
  config: Config,
  kind: Kind,
  given: string | URL | undefined,
): Config & { readonly archive?: string | URL | undefined } {
  const { [kind.type]: builtin, ...rest } = config
  const archive = given ?? rest.archive ?? (builtin === undefined ? undefined : `builtin://${builtin}`)
  return { ...rest, archive } as Config & { readonly archive?: string | URL | undefined }
}

function jsonPart(name: string, value: object): FormPart {
  return { name, type: 'application/json', content: JSON.stringify(value) }
}
