import { ConfigError, type Problem } from '@pulsar-io/sdk'

/** Everything that is wrong with what an operator wrote, and how it was read. */
export class ConfigProblems extends ConfigError {
  /** What helps to understand the problems. */
  readonly notes: readonly string[]

  constructor(problems: readonly Problem[], notes: readonly string[] = [], code = 'PIO_CONFIG') {
    super(distinct(problems), { code })
    this.notes = notes
  }
}

/** An option in the wrong place is missed in the right one, too, and a flag may be read twice: one line says it. */
function distinct(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map(problem => [`${problem.path}\n${problem.message}`, problem])).values()]
}

/** The command line is wrong. */
export function usageError(message: string): ConfigProblems {
  return new ConfigProblems([{ path: '', message }], [], 'PIO_USAGE')
}
