import { type Problem, parseDuration, parseSize } from '@pulsar-io/sdk'
import { flagValue } from '../config/flag-fields.ts'
import { type Flag, type FlagValues, flagKey } from './flag.ts'
import { localFlags } from './local.ts'

interface FlagReader {
  text(name: string): string | undefined
  whole(name: string, min: number, max: number): number | undefined
  duration(name: string): number | undefined
  bytes(name: string): number | undefined
  choice(name: string, flag?: Flag): string | undefined
}

/** Reads flags by their long name; the value is undefined when it is absent or wrong. */
export function reader(values: FlagValues, problems: Problem[]): FlagReader {
  const text = (name: string) => {
    const value = values[flagKey({ flags: name, description: '' })]
    return typeof value === 'string' ? value : undefined
  }
  const wrong = (name: string, message: string) => {
    problems.push({ path: name, message })
    return undefined
  }
  return {
    text,
    whole(name, min, max) {
      const given = text(name)
      if (given === undefined) return undefined
      const value = /^\d+$/.test(given) ? Number(given) : Number.NaN
      if (value >= min && value <= max) return value
      return wrong(
        name,
        `must be a whole number ${max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`}, got ${JSON.stringify(given)}`,
      )
    },
    duration(name) {
      const given = text(name)
      if (given === undefined) return undefined
      return (
        parseDuration(given) ?? wrong(name, `must be a duration such as 500ms, 2s or 5m, got ${JSON.stringify(given)}`)
      )
    },
    bytes(name) {
      const given = text(name)
      if (given === undefined) return undefined
      const value = parseSize(given)
      return value !== undefined && value > 0
        ? value
        : wrong(name, `must be a size such as 64KiB or 5MiB, got ${JSON.stringify(given)}`)
    },
    choice(name, flag = localFlags.flatMap(group => group.flags).find(each => each.flags.startsWith(name))) {
      const given = text(name)
      return given === undefined || flag === undefined
        ? undefined
        : (flagValue(flag, given, problems) as string | undefined)
    },
  }
}
