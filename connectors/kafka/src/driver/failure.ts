/** What a server, or the way to it, said went wrong: the driver's errors in plain words. */
export interface Failure {
  /** Names of Kafka's error codes, for example `MESSAGE_TOO_LARGE`; empty when no server answered. */
  readonly codes: readonly string[]
  /** The server's own words, where it has some. */
  readonly said: string
  /** What is at the bottom: `connect ECONNREFUSED 127.0.0.1:9092`. */
  readonly reason: string
  /** The login was refused. */
  readonly login: boolean
}

interface DriverError extends Error {
  readonly code?: string
  readonly apiId?: string
  readonly serverErrorMessage?: string | null
  readonly errors?: readonly Error[]
}

const MOST = 50

/** Looks through an error of the driver and everything it holds. */
export function failureOf(error: unknown): Failure {
  const found = flatten(error)
  const said = found.flatMap(each => each.serverErrorMessage ?? [])
  const reasons = found.filter(each => !each.errors?.length && !each.cause).map(each => each.message)
  return {
    codes: [...new Set(found.flatMap(each => each.apiId ?? []))],
    said: [...new Set(said)].join('; '),
    reason: [...new Set(reasons)].join('; ') || String((error as Error | undefined)?.message ?? error),
    login: found.some(each => each.code === 'PLT_KFK_AUTHENTICATION'),
  }
}

function flatten(root: unknown): DriverError[] {
  const found: DriverError[] = []
  const look = (error: unknown): void => {
    if (!(error instanceof Error) || found.length >= MOST || found.includes(error)) return
    found.push(error)
    for (const inner of (error as DriverError).errors ?? []) look(inner)
    look(error.cause)
  }
  look(root)
  return found
}

/** The answer that an error carries although a part of it says that something failed. */
export function answerIn<T>(error: unknown): T | undefined {
  return (error as { readonly response?: T } | undefined)?.response
}
