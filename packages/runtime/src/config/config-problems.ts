import { ConfigError, type Problem } from '@pulsar-io/sdk'

/** Everything that is wrong with what an operator wrote, and how it was read. */
export class ConfigProblems extends ConfigError {
  /** What helps to understand the problems. */
  readonly notes: readonly string[]

  constructor(problems: readonly Problem[], notes: readonly string[] = [], code = 'PIO_CONFIG') {
    super(problems, { code })
    this.notes = notes
  }
}

/** The command line is wrong. */
export function usageError(message: string): ConfigProblems {
  return new ConfigProblems([{ path: '', message }], [], 'PIO_USAGE')
}
