import { AdminError } from './errors.ts'
import { failure, type RequestName, refusal } from './failure.ts'
import { type AdminOptions, authorization, DEFAULT_ADMIN_URL, parseAdminUrl } from './options.ts'
import { tlsFetch } from './tls-fetch.ts'
import { delay } from './wait.ts'

/** Milliseconds of one call. */
const TIMEOUT_MS = 60_000
/** Bytes per millisecond that an upload has to make at least: 1 MiB/s. */
const UPLOAD_BYTES_PER_MS = (1024 * 1024) / 1000
/** Workers send one to the worker that owns the instance; longer ways are loops. */
const MAX_REDIRECTS = 5
/** Bytes of an answer; a list of a hundred thousand names is smaller. */
const MAX_ANSWER_BYTES = 32 << 20
/** Bytes of a refusal that are read. */
const MAX_REFUSAL_BYTES = 64 << 10
/** Milliseconds before the first and between later tries of a server that is not ready. */
const RETRY_MIN_MS = 250
const RETRY_MAX_MS = 5_000

/** One call. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Segments, not yet encoded. */
  readonly path: readonly string[]
  readonly query?: { readonly [name: string]: string | undefined }
  readonly body?: Blob
  readonly headers?: { readonly [name: string]: string } | undefined
  /** Ends this call. */
  readonly signal?: AbortSignal | undefined
}

/** The admin interface of one server. */
export class AdminHttp {
  readonly #options: AdminOptions
  readonly #base: URL
  readonly #fetch: typeof fetch

  constructor(options: AdminOptions) {
    this.#options = options
    this.#base = parseAdminUrl(options.url ?? DEFAULT_ADMIN_URL)
    if (options.tls !== undefined && this.#base.protocol !== 'https:') {
      throw new AdminError('PIO_ADMIN_OPTIONS', `tls is given, but ${this.#base.origin} is no https address`)
    }
    if (options.token !== undefined && options.basic !== undefined) {
      throw new AdminError('PIO_ADMIN_OPTIONS', 'a token and basic are given; one of them has to go')
    }
    this.#fetch = options.fetch ?? (options.tls === undefined ? fetch : tlsFetch(options.tls))
  }

  /** Origin and path of the server. */
  get url(): string {
    return this.#base.href.replace(/\/$/, '')
  }

  /** The JSON of an answer; undefined where there is none. */
  async json(call: Call): Promise<unknown> {
    return (await this.answer(call)).value
  }

  /** The same, with the headers of the answer. */
  async answer(call: Call): Promise<{ readonly value: unknown; readonly headers: Headers }> {
    const name = this.#name(call)
    const { text, headers } = await this.#within(call, async signal => {
      const response = await this.#ready(call, name, signal)
      const read = () => readText(response, MAX_ANSWER_BYTES, name)
      return { text: await this.#reach(this.#base, name, signal, read), headers: response.headers }
    })
    if (text.trim() === '') return { value: undefined, headers }
    try {
      return { value: JSON.parse(text), headers }
    } catch (error) {
      throw new AdminError(
        'PIO_ADMIN_ANSWER',
        `${name.method} ${name.path} of ${this.url} answered something that is not JSON; is it a worker?`,
        { ...name, cause: error },
      )
    }
  }

  /** Runs `work` with a signal of the time limit and of whoever may end the call. */
  async #within<T>(call: Call, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(this.#timeout(this.#name(call))), this.#timeoutMs(call))
    try {
      return await work(AbortSignal.any([...this.#ended(call), late.signal]))
    } finally {
      clearTimeout(timer)
    }
  }

  #ended(call: Call): AbortSignal[] {
    return [this.#options.signal, call.signal].filter(signal => signal !== undefined)
  }

  #timeoutMs(call: Call): number {
    return (this.#options.timeoutMs ?? TIMEOUT_MS) + (call.body?.size ?? 0) / UPLOAD_BYTES_PER_MS
  }

  #timeout(name: RequestName): AdminError {
    return new AdminError(
      'PIO_ADMIN_TIMEOUT',
      `${this.url} has not answered ${name.method} ${name.path} in time; look at the worker, or raise the time limit`,
      name,
    )
  }

  #name({ method, path }: Call): RequestName {
    return { method, path: this.#urlOf({ path }).pathname }
  }

  #urlOf({ path, query = {} }: Pick<Call, 'path' | 'query'>): URL {
    const url = new URL(this.#base)
    url.pathname = [url.pathname.replace(/\/$/, ''), ...path.map(encodeURIComponent)].join('/')
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value)
    return url
  }

  /** Asks until the server is ready: one that starts, or has no leader yet, has done nothing and says 503. */
  async #ready(call: Call, name: RequestName, signal: AbortSignal): Promise<Response> {
    let refused: AdminError | undefined
    for (let tries = 0; ; tries += 1) {
      try {
        const response = await this.#send(call, name, signal)
        if (response.ok) return response
        const read = () => readText(response, MAX_REFUSAL_BYTES, name, 'cut')
        const text = await this.#reach(this.#base, name, signal, read)
        refused = refusal(response.status, text, this.#base, name)
        if (refused.code !== 'PIO_ADMIN_NOT_READY') throw refused
        await delay(retryAfter(response) ?? backoff(tries), signal)
      } catch (error) {
        // What the server last said tells more than that the time is over.
        if (refused !== undefined && (error as Partial<AdminError>).code === 'PIO_ADMIN_TIMEOUT') throw refused
        throw error
      }
    }
  }

  /** Follows redirects by itself: `fetch` would leave the login behind on the way to another worker. */
  async #send(call: Call, name: RequestName, signal: AbortSignal): Promise<Response> {
    let url = this.#urlOf(call)
    const headers = { accept: 'application/json', ...call.headers, ...(await authorization(this.#options)) }
    for (let redirects = 0; ; redirects += 1) {
      const response = await this.#reach(url, name, signal, () =>
        this.#fetch(url, {
          method: call.method,
          headers: call.body === undefined ? headers : { ...headers, 'content-type': call.body.type },
          redirect: 'manual',
          signal,
          ...(call.body === undefined ? {} : { body: call.body }),
        }),
      )
      const location = response.headers.get('location')
      if (location === null || ![301, 302, 307, 308].includes(response.status)) return response
      await response.body?.cancel()
      url = this.#redirected(url, location, redirects, name)
    }
  }

  /** Says what a failure of the network means. */
  async #reach<T>(url: URL, name: RequestName, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      // An abort has its own reason, which is not a failure of the connection.
      if (signal.aborted) throw signal.reason
      if (error instanceof AdminError) throw error
      throw failure(error, url, name)
    }
  }

  #redirected(from: URL, location: string, redirects: number, name: RequestName): URL {
    const wrong = (message: string) =>
      new AdminError('PIO_ADMIN_ANSWER', `${name.method} ${name.path} of ${this.url}: ${message}`, name)
    if (!URL.canParse(location, from.href)) throw wrong('redirected to what is no address')
    const to = new URL(location, from)
    if (redirects === MAX_REDIRECTS) throw wrong(`redirected more than ${MAX_REDIRECTS} times, at last to ${to.origin}`)
    if (from.protocol === 'https:' && to.protocol !== 'https:') {
      throw wrong(`redirected to ${to.origin}, which is not protected by TLS`)
    }
    return to
  }
}

function backoff(tries: number): number {
  return Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** tries) * (0.75 + Math.random() / 2)
}

/** Milliseconds that the server asks for, at most the longest backoff. */
function retryAfter(response: Response): number | undefined {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(RETRY_MAX_MS, seconds * 1000) : undefined
}

/** Reads no more than `max` bytes: an answer that is longer is cut, or refused. */
async function readText(
  response: Response,
  max: number,
  name: RequestName,
  longer: 'cut' | 'refuse' = 'refuse',
): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  // Leaving the loop early cancels the answer.
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk)
    bytes += chunk.byteLength
    if (bytes <= max) continue
    if (longer === 'cut') break
    throw new AdminError('PIO_ADMIN_ANSWER', `${name.method} ${name.path} answered more than ${max} bytes`, name)
  }
  return Buffer.concat(chunks).subarray(0, max).toString()
}
