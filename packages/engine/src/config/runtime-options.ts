import { closest, type Problem, parseDuration } from '@pulsar-io/sdk'

/** What `customRuntimeOptions` of a connector asks for. */
export interface RuntimeOptions {
  /** Milliseconds; 0: for ever; undefined: as for everything that runs beside it. */
  readonly stuckAfterMs: number | undefined
  /** One line for each part of it that has no effect. */
  readonly inert: readonly string[]
  readonly problems: readonly Problem[]
}

const FIELD = 'customRuntimeOptions'
const STUCK_TIMEOUT = 'stuckTimeout'
/** Instances tell how they are five times a second: a limit near that would end those that are well. */
const AT_LEAST_MS = 1_000

/**
 * Reads `customRuntimeOptions`, in which Pulsar carries a text for the runtime of a worker through to it. Java takes any
 * text there, so any is accepted, and what means nothing here is named; only a `stuckTimeout` that cannot be read is
 * refused, for nobody but this runtime knows it.
 */
export function runtimeOptions(text: string | undefined): RuntimeOptions {
  if (text === undefined || text.trim() === '') return { stuckAfterMs: undefined, inert: [], problems: [] }
  const object = jsonObject(text)
  if (object === undefined) return noObject(text)
  const { [STUCK_TIMEOUT]: stuckTimeout, ...others } = object
  const inert = Object.keys(others).map(name => {
    const meant = closest(name, [STUCK_TIMEOUT])
    return `${FIELD}.${name} has no effect here: ${meant === undefined ? 'there is no such option of this runtime' : `did you mean ${meant}?`}`
  })
  const stuckAfterMs = milliseconds(stuckTimeout)
  if (stuckTimeout === undefined || isLimit(stuckAfterMs)) return { stuckAfterMs, inert, problems: [] }
  const message = `must be a duration of at least 1s such as 30s or 10m, or 0 for ever, got ${JSON.stringify(stuckTimeout)}`
  return { stuckAfterMs: undefined, inert, problems: [{ path: `${FIELD}.${STUCK_TIMEOUT}`, message }] }
}

function noObject(text: string): RuntimeOptions {
  const wanted = 'a JSON object such as {"stuckTimeout": "10m"}'
  if (text.includes(STUCK_TIMEOUT))
    return { stuckAfterMs: undefined, inert: [], problems: [{ path: FIELD, message: `must be ${wanted}` }] }
  return { stuckAfterMs: undefined, inert: [`${FIELD} has no effect here: it is not ${wanted}`], problems: [] }
}

function jsonObject(text: string): { readonly [name: string]: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return value as { readonly [name: string]: unknown }
  } catch {
    // Java takes texts of any form.
    return undefined
  }
}

function milliseconds(value: unknown): number | undefined {
  return typeof value === 'number' ? value : typeof value === 'string' ? parseDuration(value) : undefined
}

function isLimit(ms: number | undefined): boolean {
  return ms !== undefined && Number.isFinite(ms) && (ms === 0 || ms >= AT_LEAST_MS)
}
