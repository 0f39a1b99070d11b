import {
  AuthError,
  ConfigError,
  ConnectionError,
  ConnectorError,
  isConnectorError,
  type Problem,
  type RetryMeaning,
} from '@pulsar-io/sdk/core'

/** An error as plain data, so that it crosses threads and processes. */
export interface Failure {
  readonly message: string
  readonly code: string | undefined
  readonly retry: RetryMeaning | undefined
  readonly problems: readonly Problem[] | undefined
  readonly stack: string | undefined
}

/** Turns anything that was thrown into data. Messages of causes follow the message, where they say more. */
export function toFailure(thrown: unknown, hide: (text: string) => string = text => text): Failure {
  const error = toError(thrown)
  const branded = isConnectorError(error)
  const problems = branded ? (error as Partial<ConfigError>).problems : undefined
  return {
    message: hide(messageWithCauses(error)),
    code: branded ? error.code : undefined,
    retry: branded ? error.retry : undefined,
    problems: problems?.map(problem => ({ path: problem.path, message: hide(problem.message) })),
    stack: error.stack === undefined ? undefined : hide(error.stack),
  }
}

/** The error that a failure tells of, with a brand of this copy of the SDK. */
export function fromFailure(failure: Failure): Error {
  const error = rebuild(failure)
  if (failure.stack !== undefined) error.stack = failure.stack
  return error
}

function rebuild({ message, code, retry, problems }: Failure): Error {
  if (code === undefined || retry === undefined) return new Error(message)
  if (problems) return new ConfigError(problems, { code })
  if (retry === 'reconnect') return new ConnectionError(message, { code })
  if (retry === 'block') return new AuthError(message, { code })
  return new ConnectorError(code, retry, message)
}

export function toError(thrown: unknown): Error {
  return thrown instanceof Error || isConnectorError(thrown) ? thrown : new Error(String(thrown))
}

/** The retry meaning of anything that was thrown; undefined for a bug. */
export function retryMeaning(thrown: unknown): RetryMeaning | undefined {
  return isConnectorError(thrown) ? thrown.retry : undefined
}

/** The message, followed by the messages of the causes that it does not repeat already. */
export function messageWithCauses(error: Error): string {
  let text = error.message || error.name
  let cause = error.cause
  for (let depth = 0; cause instanceof Error && depth < 5; depth++) {
    if (cause.message && !text.includes(cause.message)) text += `: ${cause.message}`
    cause = cause.cause
  }
  return text
}
