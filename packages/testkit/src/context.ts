import type { ConnectorContext, SinkContext, SourceContext } from '@pulsar-io/sdk'
import { type CollectingLogger, createLogger } from './logger.ts'
import { createStateStore } from './state-store.ts'

/** What a fake context remembers of what the connector did with it. */
export interface ContextLog {
  readonly logger: CollectingLogger
  /** Calls of `metrics.record`, in order. */
  readonly recorded: readonly { readonly name: string; readonly value: number }[]
  /** Calls of `connection`, in order. */
  readonly connections: readonly { readonly state: string; readonly reason: string | undefined }[]
  /** Errors that were handed to `fatal`, in order. */
  readonly fatals: readonly Error[]
  /** Errors that a sink handed to `lost`, in order. */
  readonly losses: readonly Error[]
  /** Aborts `signal`, as the runtime does when the connector has to stop. */
  stop(): void
}

type Common = Omit<ConnectorContext, 'logger'> & Pick<SinkContext, 'lost'> & ContextLog

function createContext(secrets: { readonly [name: string]: string }): Common {
  const recorded: { name: string; value: number }[] = []
  const connections: { state: string; reason: string | undefined }[] = []
  const fatals: Error[] = []
  const losses: Error[] = []
  const stopping = new AbortController()
  return {
    tenant: 'public',
    namespace: 'default',
    name: 'test',
    instanceId: 0,
    numInstances: 1,
    guarantee: 'ATLEAST_ONCE',
    logger: createLogger(),
    metrics: { record: (name, value) => void recorded.push({ name, value }) },
    state: createStateStore(),
    signal: stopping.signal,
    secret: name => secrets[name],
    connection: (state, reason) => void connections.push({ state, reason }),
    fatal: error => void fatals.push(error),
    recorded,
    connections,
    fatals,
    losses,
    lost: error => void losses.push(error),
    stop: () => stopping.abort(),
  }
}

/** What a test may say of a context; `secrets` is what `secret(name)` answers from. */
export type ContextOverrides<T> = Partial<Omit<T, 'logger' | 'secret'>> & {
  readonly secrets?: { readonly [name: string]: string }
}

/** A sink context with an in-memory state store and a collecting logger. */
export function createSinkContext(overrides: ContextOverrides<SinkContext> = {}): SinkContext & ContextLog {
  const { secrets = {}, ...rest } = overrides
  return {
    ...createContext(secrets),
    inputTopics: ['persistent://public/default/in'],
    subscriptionName: 'public/default/test',
    subscriptionType: 'Shared',
    pause: () => undefined,
    resume: () => undefined,
    seek: async () => undefined,
    ...rest,
  }
}

/** A source context with no stored offsets, an in-memory state store and a collecting logger. */
export function createSourceContext(overrides: ContextOverrides<SourceContext> = {}): SourceContext & ContextLog {
  const { secrets = {}, ...rest } = overrides
  return {
    ...createContext(secrets),
    destinationTopic: 'persistent://public/default/out',
    offsets: new Map(),
    ...rest,
  }
}
