import { authorization } from './session.ts'
import type { Config, DeadLetters, Definition, Kind, LogLine, Place, Replayed, Schema, Status } from './types.ts'

/** An answer that says no, in the worker's words. */
export class ApiError extends Error {
  readonly status: number

  constructor(status: number, reason: string) {
    super(reason)
    this.name = 'ApiError'
    this.status = status
  }
}

/** A configuration and the version that a change of it begins with. */
export interface Versioned {
  readonly config: Config
  readonly etag: string | undefined
}

export const api = {
  names: (kind: Kind, tenant: string, namespace: string, signal?: AbortSignal) =>
    get<readonly string[]>(path(kind, tenant, namespace), signal),
  status: (place: Place, signal?: AbortSignal) => get<Status>(`${pathOf(place)}/status`, signal),
  logs: (place: Place, instanceId: number, since: number, signal?: AbortSignal) =>
    get<readonly LogLine[]>(`${pathOf(place)}/${instanceId}/logs?since=${since}&limit=200`, signal),
  act: async (
    place: Place,
    action: 'start' | 'stop' | 'restart' | 'pause' | 'resume',
    instanceId?: number,
  ): Promise<void> => {
    const instance = instanceId === undefined ? '' : `/${instanceId}`
    await request('POST', `${pathOf(place)}${instance}/${action}`, {})
  },
  deadLetters: (place: Place, showValues: boolean) =>
    get<DeadLetters>(`${pathOf(place)}/dead-letters?limit=100&showValues=${showValues}`),
  /** Replays what waits now, in several requests; tells after each how many there were. */
  replay: async (place: Place, onStep: (replayed: number) => void): Promise<Replayed> => {
    let all = 0
    let before = ''
    for (;;) {
      const response = await request('POST', `${pathOf(place)}/dead-letters/replay?limit=1000${before}`, {})
      const step = (await response.json()) as Replayed
      all += step.replayed
      if (step.replayed === 0) return { ...step, replayed: all }
      onStep(all)
      if (before === '') before = `&before=${step.began}`
    }
  },
  remove: async (place: Place): Promise<void> => {
    await request('DELETE', pathOf(place), {})
  },
  builtins: (kind: Kind, signal?: AbortSignal) => get<readonly Definition[]>(path(kind, builtinsOf(kind)), signal),
  builtinSchema: (kind: Kind, name: string, signal?: AbortSignal) =>
    get<Schema>(path(kind, builtinsOf(kind), name, 'schema'), signal),
  schema: (place: Place, signal?: AbortSignal) => get<Schema>(`${pathOf(place)}/schema`, signal),
  config: async (place: Place, signal?: AbortSignal): Promise<Versioned> => {
    const response = await request('GET', pathOf(place), { signal })
    return { config: (await response.json()) as Config, etag: response.headers.get('etag') ?? undefined }
  },
  /** With the archive that it is for, where the configuration names none. */
  /** With the archive that it is for, where the configuration names none. */
  create: async (place: Place, config: Config, archive?: File): Promise<void> => {
    await request('POST', pathOf(place), { body: bodyOf(place.kind, config, archive) })
  },
  /** With another archive, where one is given. */
  update: async (place: Place, config: Config, etag: string | undefined, archive?: File): Promise<void> => {
    await request('PUT', pathOf(place), {
      body: bodyOf(place.kind, config, archive),
      ...(etag === undefined ? {} : { headers: { 'if-match': etag } }),
    })
  },
}

/** A configuration alone, or with its archive, as Pulsar takes them. */
function bodyOf(kind: Kind, config: Config, archive: File | undefined): Config | FormData {
  if (archive === undefined) return config
  const form = new FormData()
  form.set(`${kind}Config`, new Blob([JSON.stringify(config)], { type: 'application/json' }))
  form.set('data', archive, archive.name)
  return form
}

function builtinsOf(kind: Kind): string {
  return `builtin${kind}s`
}

function path(kind: Kind, ...parts: readonly string[]): string {
  return ['admin/v3', `${kind}s`, ...parts.map(encodeURIComponent)].join('/')
}

function pathOf({ kind, tenant, namespace, name }: Place): string {
  return path(kind, tenant, namespace, name)
}

async function get<T>(url: string, signal?: AbortSignal): Promise<T> {
  const response = await request('GET', url, { signal })
  return (await response.json()) as T
}

interface RequestParts {
  /** Sent as JSON, or as the form that it is. */
  readonly body?: object
  readonly headers?: { readonly [name: string]: string }
  readonly signal?: AbortSignal | undefined
}

async function request(method: string, url: string, { body, headers, signal }: RequestParts): Promise<Response> {
  const credentials = authorization()
  const isForm = body instanceof FormData
  const response = await fetch(url, {
    method,
    headers: {
      ...(body === undefined || isForm ? {} : { 'content-type': 'application/json' }),
      ...(credentials === undefined ? {} : { authorization: credentials }),
      ...headers,
    },
    // The browser's own dialog for passwords would come up in the middle of a poll.
    credentials: 'omit',
    signal: signal ?? null,
    ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
  })
  if (response.ok) return response
  throw new ApiError(response.status, await reasonOf(response))
}

async function reasonOf(response: Response): Promise<string> {
  const text = await response.text()
  try {
    const { reason } = JSON.parse(text) as { readonly reason?: unknown }
    if (typeof reason === 'string') return reason
  } catch {
    // A proxy's page: its status says more.
  }
  return `the worker answered ${response.status}`
}
