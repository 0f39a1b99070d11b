import type { KeyValueStore, MessagingClient } from '@pulsar-io/messaging'
import type { LogFields } from '@pulsar-io/sdk'
import { ConfigError } from '@pulsar-io/sdk/core'
import { loadConnector } from '../archive/load.ts'
import { messageWithCauses, toError, toFailure } from '../failure.ts'
import { LeaseView } from '../lease.ts'
import { LOG_LEVELS, type LogLevel } from '../log.ts'
import { openMessaging } from '../messaging.ts'
import { type ResolvedConfig, resolveSecrets } from '../secrets.ts'
import type { TaskServices } from '../task/context.ts'
import { Hold } from '../task/hold.ts'
import { SinkTask } from '../task/sink-task.ts'
import { SourceTask } from '../task/source-task.ts'
import { TaskStats } from '../task/stats.ts'
import type { Chain, TransformConfig } from '../transform/index.ts'
import { defer } from '../wait.ts'
import { LogTopic } from './log-topic.ts'
import { takeProcessorShare } from './processor-share.ts'
import type { HostLine, InstanceEnd } from './protocol.ts'
import type { InstanceSpec } from './spec.ts'

/** Milliseconds between the numbers that an instance sends. */
const SNAPSHOT_EVERY_MS = 200
/** Milliseconds between looks at the backlog. */
const LAG_EVERY_MS = 1_000
/** Milliseconds that closing may take before the instance ends without it. */
const CLOSE_TIMEOUT_MS = 10_000

/** Runs one instance from open to close, and reports over the line. Never rejects. */
export async function runInstance(spec: InstanceSpec, line: HostLine): Promise<void> {
  const hidden: { hide: (text: string) => string } = { hide: text => text }
  let end: InstanceEnd
  try {
    end = await new Instance(spec, line, hidden).run()
  } catch (error) {
    end = { how: 'failed', failure: toFailure(error, text => hidden.hide(text)) }
  }
  line.send({ type: 'ended', end })
}

type Task = SinkTask | SourceTask

class Instance {
  readonly #spec: InstanceSpec
  readonly #line: HostLine
  readonly #hidden: { hide: (text: string) => string }
  readonly #stats: TaskStats
  readonly #hard = new AbortController()
  readonly #fatal = defer<never>()
  readonly #stopAsked = defer<number>()
  readonly #lease: LeaseView | undefined
  #logTopic: LogTopic | undefined
  #task: Task | undefined
  readonly #held = new Hold()

  constructor(spec: InstanceSpec, line: HostLine, hidden: { hide: (text: string) => string }) {
    this.#spec = spec
    this.#line = line
    this.#hidden = hidden
    this.#stats = new TaskStats(text => hidden.hide(text))
    // The race in `#runTask` sees it; one that comes while nobody looks must not count as unhandled.
    this.#fatal.promise.catch(() => undefined)
    this.#lease = spec.lease === undefined ? undefined : new LeaseView(spec.lease)
    line.listen(message => {
      if (message.type === 'lease') this.#lease?.update(message.until)
      else if (message.type === 'hold') this.#hold(message.held)
      else this.#stopAsked.resolve(message.drainTimeoutMs)
    })
  }

  async run(): Promise<InstanceEnd> {
    const resolved = resolveSecrets(this.#spec.config, this.#spec.secrets, configSchema(this.#spec))
    const transforms = resolveSecrets(this.#spec.transforms, undefined, {})
    this.#hidden.hide = text => resolved.hide(transforms.hide(text))
    let client: MessagingClient | undefined
    let timers: readonly NodeJS.Timeout[] = []
    const opened: { task?: Task; store?: Promise<KeyValueStore> } = {}
    const noShare = takeProcessorShare(this.#spec.cores, this.#line.isolation)
    if (noShare !== undefined) this.#log('warn', noShare)
    // Tells from here on that this thread gets its turn; how a restarted instance is shown is the supervisor's until it is open.
    this.#snapshot()
    const opening = setInterval(() => this.#snapshot(), SNAPSHOT_EVERY_MS)
    try {
      // The connector's code loads while the connection is made. Where it is used, it is asked for again, and refused.
      loadConnector(this.#spec.archive, this.#spec.kind).catch(() => undefined)
      client = await openMessaging(this.#spec.messaging)
      if (this.#spec.logTopic) this.#logTopic = new LogTopic(client, this.#spec.logTopic)
      const stopEarly = this.#stopAsked.promise.then((): never => {
        throw new StoppedEarly()
      })
      const chain = await chainOf(transforms.config as readonly TransformConfig[], resolved)
      const task = await Promise.race([this.#open(client, resolved, chain, opened), stopEarly])
      this.#task = task
      if (this.#stats.state === 'starting') this.#stats.become('running')
      this.#snapshot()
      this.#line.send({ type: 'opened' })
      this.#log('info', 'running', whereabouts(this.#spec))
      clearInterval(opening)
      timers = this.#report(task)
      return await this.#runTask(task)
    } catch (error) {
      if (error instanceof StoppedEarly) return { how: 'stopped', undrained: 0 }
      throw error
    } finally {
      for (const timer of [opening, ...timers]) clearInterval(timer)
      this.#hard.abort(new Error('the instance is stopping'))
      await this.#close(opened, client)
      this.#snapshot()
    }
  }

  /** One that opens while it is held takes nothing from the beginning. */
  #hold(held: boolean): void {
    if (held === this.#held.active) return
    this.#held.set(held)
    this.#log('info', held ? 'paused; takes no records until it is resumed' : 'resumed')
  }

  async #open(
    client: MessagingClient,
    resolved: ResolvedConfig,
    transforms: Chain | undefined,
    opened: { task?: Task; store?: Promise<KeyValueStore> },
  ): Promise<Task> {
    const spec = this.#spec
    const services: TaskServices = {
      stats: this.#stats,
      log: (level, message, fields) => this.#log(level, message, fields),
      secrets: resolved.secrets,
      transforms,
      signal: this.#hard.signal,
      lease: this.#lease,
      hold: this.#held,
      fatal: error => this.#fatal.reject(error),
      store: () => {
        opened.store ??= client.openStore(spec.fqn)
        return opened.store
      },
    }
    if (spec.kind === 'sink') {
      const definition = await loadConnector(spec.archive, 'sink')
      opened.task = await SinkTask.open(spec, definition, checked(definition.parse(resolved.config)), client, services)
    } else {
      const definition = await loadConnector(spec.archive, 'source')
      opened.task = await SourceTask.open(
        spec,
        definition,
        checked(definition.parse(resolved.config)),
        client,
        services,
      )
    }
    return opened.task
  }

  async #runTask(task: Task): Promise<InstanceEnd> {
    const running = Promise.race([task.run(), this.#fatal.promise])
    // Awaited below; while a stop drains, nobody else looks.
    running.catch(() => undefined)
    const drainTimeoutMs = await Promise.race([this.#stopAsked.promise, running.then(() => undefined)])
    if (drainTimeoutMs === undefined) {
      this.#stats.become('finished')
      return { how: 'finished' }
    }
    this.#stats.become('stopping')
    const undrained = await task.stop(drainTimeoutMs, running)
    return { how: 'stopped', undrained }
  }

  async #close(
    opened: { task?: Task; store?: Promise<KeyValueStore> },
    client: MessagingClient | undefined,
  ): Promise<void> {
    const steps = [
      () => opened.task?.close(),
      // One that did not open has nothing to close, and why it did not is what the instance ends with.
      async () => (await opened.store?.catch(() => undefined))?.close(),
      () => this.#logTopic?.close(),
      () => client?.close(),
    ]
    const closing = (async () => {
      for (const step of steps) {
        try {
          await step()
        } catch (error) {
          // The others are closed all the same.
          this.#log('warn', 'closing failed', { reason: messageWithCauses(toError(error)) })
        }
      }
    })()
    const timer = defer<void>()
    const timeout = setTimeout(() => timer.resolve(), CLOSE_TIMEOUT_MS)
    await Promise.race([closing, timer.promise])
    clearTimeout(timeout)
  }

  #report(task: Task): readonly NodeJS.Timeout[] {
    if (!('lag' in task)) return [setInterval(() => this.#snapshot(), SNAPSHOT_EVERY_MS)]
    const look = () => {
      task.lag().then(
        lag => {
          this.#stats.lag = lag
        },
        error => this.#stats.systemError(error),
      )
    }
    look()
    return [
      setInterval(look, LAG_EVERY_MS),
      setInterval(() => {
        // Sooner when nothing goes on any more: whether the instance is idle depends on it.
        if (this.#stats.inFlight === 0 && this.#stats.lagIsStale) look()
        this.#snapshot()
      }, SNAPSHOT_EVERY_MS),
    ]
  }

  #snapshot(): void {
    const liveness = this.#task?.liveness() ?? { progress: this.#stats.progress, waitsFor: undefined, inHand: false }
    this.#line.send({ type: 'snapshot', snapshot: this.#stats.snapshot(this.#spec.instanceId), liveness })
  }

  #log(level: LogLevel, message: string, fields?: LogFields): void {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(this.#spec.logLevel)) return
    const line = {
      level,
      time: Date.now(),
      message: this.#hidden.hide(message),
      connector: this.#spec.fqn,
      instance: this.#spec.instanceId,
      ...(fields === undefined ? {} : { fields: plain(fields, this.#hidden.hide) }),
    }
    this.#line.send({ type: 'log', line })
    this.#logTopic?.add(line)
  }
}

/** The transforms; most instances have none, and start without their modules. */
async function chainOf(
  transforms: readonly TransformConfig[],
  { secrets }: ResolvedConfig,
): Promise<Chain | undefined> {
  if (transforms.length === 0) return undefined
  const { compileTransforms } = await import('../transform/index.ts')
  return compileTransforms(transforms, { secret: name => secrets.get(name), checkOnly: false })
}

/** A stop came while the instance was still opening. */
class StoppedEarly extends Error {}

/** What somebody wants to see who has just started a connector. */
function whereabouts(spec: InstanceSpec): LogFields {
  if (spec.kind === 'source') return { topic: spec.destinationTopic, guarantee: spec.guarantee }
  return {
    ...(spec.topicsPattern === undefined ? { topics: spec.inputs } : { topicsPattern: spec.topicsPattern }),
    subscription: spec.subscription,
    newSubscriptionBeginsAt: spec.initialPosition,
    guarantee: spec.guarantee,
  }
}

function configSchema(spec: InstanceSpec): { readonly [keyword: string]: unknown } {
  return spec.archive.manifest[spec.kind]?.configSchema ?? {}
}

function checked(
  result:
    | { readonly ok: true; readonly config: unknown }
    | { readonly ok: false; readonly problems: ConfigError['problems'] },
): unknown {
  if (!result.ok) throw new ConfigError(result.problems)
  return result.config
}

/** Fields as JSON data: what cannot be cloned to another thread becomes text, and no secret gets through. */
function plain(fields: LogFields, hide: (text: string) => string): LogFields {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, plainValue(value, hide)]))
}

function plainValue(value: unknown, hide: (text: string) => string): unknown {
  if (typeof value === 'string') return hide(value)
  if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined) return value
  if (value instanceof Error) return hide(messageWithCauses(value))
  if (typeof value === 'bigint') return value.toString()
  try {
    return JSON.parse(hide(JSON.stringify(value)))
  } catch {
    // Circular, or not JSON at all: better a rough text than a lost line.
    return hide(String(value))
  }
}
