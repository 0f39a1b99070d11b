import { availableParallelism, hostname } from 'node:os'
import { join, resolve } from 'node:path'
import {
  DEFAULT_MESSAGING_URL,
  embeddedDirectory,
  InstanceLease,
  type LogLevel,
  openMessaging,
  openMetrics,
} from '@pulsar-io/engine'
import type { KeyValueStore, MessagingClient } from '@pulsar-io/messaging'
import { ConfigError, ConnectionError, type LogFields } from '@pulsar-io/sdk'
import type { FastifyInstance } from 'fastify'
import { joinCluster } from './cluster/join.ts'
import { Builtins } from './connectors/builtins.ts'
import { Packages } from './connectors/packages.ts'
import { ConnectorService } from './connectors/service.ts'
import type { Coordinator, WorkerInfo } from './coordination.ts'
import { connectorRoutes } from './http/connector-routes.ts'
import { addConsole } from './http/console.ts'
import { addGuards, NO_LEADER } from './http/guards.ts'
import { addRoute } from './http/route.ts'
import { createServer } from './http/server.ts'
import { emptyUploads } from './http/upload.ts'
import { workerRoutes } from './http/worker-routes.ts'
import { DEFAULT_WORKER_LIMITS, isLoopback, type WorkerOptions } from './options.ts'
import { reasonOf } from './reason.ts'
import { ReplyError } from './reply-error.ts'
import { cleanUpSubscription } from './running/clean-up.ts'
import { DeadLetterService } from './running/dead-letters.ts'
import { Offsets } from './running/offsets.ts'
import { Runner } from './running/runner.ts'
import { StatusService } from './running/status.ts'
import { AccessRules } from './security/access.ts'
import { Authenticator } from './security/authenticator.ts'
import { ArchiveStore } from './store/archive-store.ts'
import { AuditTrail } from './store/audit.ts'
import { ConnectorStore } from './store/connector-store.ts'

/** Pulsar's port of workers. */
const DEFAULT_PORT = 6750
const DEFAULT_METADATA_NAMESPACE = 'public/functions'
const DEFAULT_WORK_DIR = '.pulsar-io-worker'
const DEFAULT_DRAIN_TIMEOUT_MS = 10_000
/** Opening takes a core each for a while: more at a time would only keep the worker itself from its duties. */
const DEFAULT_MAX_OPENING = 2 * availableParallelism()
/**
 * Milliseconds of a lease on the embedded log, whose workers share a machine: the end of a process is seen at once
 * there, whatever the lease, and a machine that is busy must not look like one that is gone.
 */
const EMBEDDED_LEASE_MS = 30_000
/** Milliseconds that deleting a sink waits for its subscription to be free. */
const CLEAN_UP_MS = 15_000

/** A worker that runs. */
export interface Worker {
  readonly workerId: string
  /** `http(s)://host:port`. */
  readonly url: string
  readonly port: number
  /** Takes no more requests, drains and closes everything. May be called twice. */
  close(): Promise<void>
}

/**
 * Starts a worker and resolves once it takes requests and has asked for everything stored to run.
 * Rejects with everything closed again: ConfigError (`PIO_WORKER_INSECURE`, `PIO_WORKER_AUTH`), ConnectionError (a port
 * that is taken, a messaging system that is away).
 */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const worker = new RunningWorker(options)
  try {
    await worker.start()
  } catch (error) {
    await worker.close()
    throw error
  }
  return worker
}

/** What there is once everything is loaded. */
interface Loaded {
  readonly coordinator: Coordinator
  readonly service: ConnectorService
  readonly packages: Packages
  readonly runner: Runner
  readonly status: StatusService
  readonly offsets: Offsets
  readonly deadLetters: DeadLetterService
}

class RunningWorker implements Worker {
  workerId = ''
  url = ''
  port = 0
  readonly #options: WorkerOptions
  readonly #workDir: string
  readonly #builtins: Builtins
  readonly #stopping = new AbortController()
  /** What to close behind the server, in reverse. */
  readonly #closers: (() => Promise<unknown>)[] = []
  #app: FastifyInstance | undefined
  #loaded: Loaded | undefined
  #ready = false
  #closing: Promise<void> | undefined

  constructor(options: WorkerOptions) {
    refuseOpenDoors(options)
    this.#options = options
    this.#workDir = resolve(options.workDir ?? DEFAULT_WORK_DIR)
    this.#builtins = new Builtins(resolve(options.connectorsDir ?? 'connectors'), (message, fields) =>
      this.#say('warn', message, fields),
    )
  }

  async start(): Promise<void> {
    await emptyUploads(this.#uploads)
    await this.#builtins.reload()
    const metrics = await openMetrics(() => this.#loaded?.runner.connectors() ?? [])
    this.#closers.push(async () => metrics.close())
    const { messaging } = this.#options
    // Instances may go through the addon, but it cannot tell which worker leads.
    const client = await openMessaging(messaging?.driver === 'native' ? { ...messaging, driver: 'pulsar' } : messaging)
    this.#closers.push(() => client.close())
    const { auth, limits, tls } = this.#options
    const allLimits = { ...DEFAULT_WORKER_LIMITS, ...limits }
    const app = await createServer({
      tls,
      limits: allLimits,
      auth,
      version: '1',
      log: (level, message, fields) => this.#say(level, message, fields),
    })
    this.#app = app
    addGuards(app, {
      auth: auth === undefined ? undefined : { authenticator: new Authenticator(auth), rules: new AccessRules(auth) },
      ready: () => this.#ready,
      coordinator: () => this.#loaded?.coordinator,
      afterForward: () => this.#parts.service.refresh(),
    })
    const uploads = { folder: this.#uploads, uploadBytes: allLimits.uploadBytes, bodyBytes: allLimits.bodyBytes }
    const routes = [
      ...connectorRoutes({
        service: () => this.#parts.service,
        status: () => this.#parts.status,
        offsets: () => this.#parts.offsets,
        deadLetters: () => this.#parts.deadLetters,
        builtins: this.#builtins,
        uploads,
        reload: () => this.#reload(),
      }),
      ...workerRoutes({
        coordinator: () => this.#parts.coordinator,
        builtins: this.#builtins,
        runner: () => this.#parts.runner,
        metrics,
        ready: () => this.#ready,
        openApi: () => app.swagger(),
      }),
    ]
    await app.register(async scope => {
      for (const each of routes) addRoute(scope, each)
      await addConsole(scope, this.#options.consoleDir)
    })
    await this.#listen(app)
    await this.#load(client)
    this.#ready = true
    this.#say('info', 'the worker takes requests', { url: this.url, workerId: this.workerId })
  }

  /** What starts from now on takes the archives as they are now. */
  async #reload(): Promise<void> {
    await this.#builtins.reload()
    this.#parts.packages.forget()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  get #uploads(): string {
    return join(this.#workDir, 'uploads')
  }

  get #parts(): Loaded {
    if (this.#loaded === undefined) throw new Error('the worker is not loaded')
    return this.#loaded
  }

  async #listen(app: FastifyInstance): Promise<void> {
    const { port = DEFAULT_PORT, host = '127.0.0.1', tls, advertisedHost, workerId } = this.#options
    try {
      await app.listen({ port, host })
    } catch (error) {
      throw listenError(error as NodeJS.ErrnoException, host, port)
    }
    const address = app.server.address()
    this.port = typeof address === 'object' && address !== null ? address.port : port
    const name = advertisedHost ?? (host === '0.0.0.0' || host === '::' ? hostname() : host)
    this.url = `${tls === undefined ? 'http' : 'https'}://${name.includes(':') ? `[${name}]` : name}:${this.port}`
    this.workerId = workerId ?? `c-local-fw-${name}-${this.port}`
  }

  /** Opens what is stored, and starts what is to run. */
  async #load(client: MessagingClient): Promise<void> {
    const { metadataNamespace = DEFAULT_METADATA_NAMESPACE, cacheDir, allowedUrls = [] } = this.#options
    const info: WorkerInfo = {
      workerId: this.workerId,
      workerHostname: new URL(this.url).hostname,
      port: this.port,
      url: this.url,
    }
    const openStore = (name: string): Promise<KeyValueStore> => client.openStore(`${metadataNamespace}/${name}`)
    const store = new ConnectorStore(await openStore('connectors'), () => {
      // A lease that ended since the change was begun, perhaps while its archive was stored, ends it.
      if (!coordinator.isLeader()) throw new ReplyError(503, NO_LEADER)
    })
    this.#closers.push(() => store.close())
    const archives = new ArchiveStore(() => openStore('archives'), join(this.#workDir, 'archives'))
    const packages = new Packages(this.#builtins, archives, { cacheDir, allowedUrls })
    const say = (level: LogLevel, message: string, fields?: LogFields) => this.#say(level, message, fields)
    const audit = new AuditTrail(client, `persistent://${metadataNamespace}/audit`, this.workerId, say)
    this.#closers.push(() => audit.close())
    const lease = new InstanceLease()
    const coordinator = await this.#coordinator(info, client, metadataNamespace, lease)
    this.#closers.push(() => coordinator.close())
    const service = new ConnectorService({
      store,
      archives,
      packages,
      builtins: this.#builtins,
      audit,
      coordinator,
      missing: async (tenant, namespace) => client.topics.missing?.(tenant, namespace),
      cleanUp: (record, isBack) => {
        const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(CLEAN_UP_MS)])
        return cleanUpSubscription(client, record, isBack, signal)
      },
      log: say,
    })
    const runner = new Runner({
      coordinator,
      packages,
      records: () => service.records,
      messaging: this.#options.messaging ?? { url: DEFAULT_MESSAGING_URL },
      isolation: this.#options.isolation ?? 'thread',
      drainTimeoutMs: this.#options.drainTimeoutMs ?? DEFAULT_DRAIN_TIMEOUT_MS,
      restart: this.#options.restart ?? {},
      lease,
      maxOpening: this.#options.maxOpening ?? DEFAULT_MAX_OPENING,
      log: this.#options.log,
      say,
    })
    this.#closers.push(() => runner.close())
    this.#closers.push(() => service.settled())
    this.#loaded = {
      coordinator,
      service,
      packages,
      runner,
      status: new StatusService(runner, coordinator),
      offsets: new Offsets(client),
      deadLetters: new DeadLetterService(client, this.#stopping.signal),
    }
    const forget = coordinator.onChange(() => this.#onChange())
    this.#closers.push(async () => forget())
    await service.refresh()
    void runner.reconcile()
  }

  #coordinator(
    info: WorkerInfo,
    client: MessagingClient,
    metadataNamespace: string,
    lease: InstanceLease,
  ): Promise<Coordinator> {
    const { coordinate, messaging, log } = this.#options
    const oneMachine = embeddedDirectory(messaging?.url) !== undefined
    const leaseMs = this.#options.leaseMs ?? (oneMachine ? EMBEDDED_LEASE_MS : undefined)
    if (coordinate !== undefined) return coordinate(info, { client, metadataNamespace, log, lease })
    return joinCluster({
      client,
      info,
      store: `${metadataNamespace}/cluster`,
      topic: `persistent://${metadataNamespace}/coordinate`,
      ...(leaseMs === undefined ? {} : { leaseMs }),
      onLease: ms => lease.renew(ms),
      log: (level, message, fields) => this.#say(level, message, fields),
      signal: this.#stopping.signal,
    })
  }

  #onChange(): void {
    if (this.#closing !== undefined) return
    const { service, runner } = this.#parts
    // What runs goes by what is stored: a lease that is lost has to be seen at once, without waiting for the store.
    void runner.reconcile()
    service
      .refresh()
      .then(() => runner.reconcile())
      .catch(error => this.#say('error', 'the stored connectors cannot be read', { reason: reasonOf(error) }))
  }

  async #close(): Promise<void> {
    this.#ready = false
    this.#stopping.abort()
    this.#loaded?.runner.startNoMore()
    // The server first, so that no request meets half a worker; then what runs, then what it stands on.
    const closers = [() => this.#app?.close(), ...this.#closers.splice(0).reverse()]
    for (const close of closers) {
      try {
        await close()
      } catch (error) {
        this.#say('warn', 'closing failed', { reason: reasonOf(error) })
      }
    }
  }

  #say(level: LogLevel, message: string, fields?: LogFields): void {
    this.#options.log({ level, time: Date.now(), message, ...(fields === undefined ? {} : { fields }) })
  }
}

/** Throws a ConfigError (`PIO_WORKER_INSECURE`) for a worker that would let everybody in. */
function refuseOpenDoors({ host = '127.0.0.1', auth }: WorkerOptions): void {
  const lockable = auth?.token?.secretKey ?? auth?.token?.publicKey ?? auth?.basic
  if (auth !== undefined && lockable === undefined) {
    const message = 'needs a key for tokens, or users with passwords'
    throw new ConfigError([{ path: 'auth', message }], { code: 'PIO_WORKER_AUTH' })
  }
  if (isLoopback(host) || auth !== undefined) return
  const message = `${host} can be reached from elsewhere, and whoever creates a connector runs code here: ask for tokens (--token-secret-key, --token-public-key) or passwords (--basic-auth-file), or listen on 127.0.0.1`
  throw new ConfigError([{ path: 'host', message }], { code: 'PIO_WORKER_INSECURE' })
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === 'EADDRINUSE') {
    const message = `port ${port} on ${host} is taken by another program; choose another --port, or 0 for a free one`
    return new ConnectionError(message, { code: 'PIO_PORT_IN_USE', cause: error })
  }
  return new ConnectionError(`cannot listen on ${host}:${port}: ${error.message}`, { code: 'PIO_LISTEN', cause: error })
}
