import type { StandbyThread } from '@pulsar-io/engine/standby'
import { type Command, CommanderError } from 'commander'
import { EXIT } from './exit.ts'
import { buildProgram } from './program.ts'

/** Parses the normalized arguments `words`, does what they ask for, and resolves with the exit code. */
export async function runCommand(words: readonly string[], standby: StandbyThread | undefined): Promise<number> {
  const program = buildProgram({ words, standby })
  prepare(program.command)
  try {
    await program.command.parseAsync(words, { from: 'user' })
    return program.exitCode()
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    // Loaded here: --help and --version do without the SDK.
    const { errorText, startFailureCode } = await import('./report-error.ts')
    process.stderr.write(errorText(error, { debug: isDebug(words) }))
    return startFailureCode(error)
  }
}

function isDebug(args: readonly string[]): boolean {
  const at = args.findIndex(each => each === '--log-level' || each === '--logLevel')
  return args.includes('--log-level=debug') || (at >= 0 && args[at + 1] === 'debug')
}

/** The parser throws where it would have ended the process, and says how to get on. */
function prepare(command: Command): void {
  command
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      outputError: (text, write) =>
        write(
          `${unexpected(text, command)
            .replace(/\n\(Did you mean (.*)\?\)/, '; did you mean $1?')
            .trimEnd()} [PIO_USAGE]\n  ${path(command)} --help shows what there is\n`,
        ),
    })
  for (const child of command.commands) prepare(child)
}

/** Says which argument is one too many. */
function unexpected(text: string, command: Command): string {
  const [, expected, given] =
    /^error: too many arguments .* Expected (\d+) arguments? but got \d+: (.*)\.\s*$/.exec(text) ?? []
  if (expected === undefined || given === undefined) return text
  const [first = ''] = given.split(', ').slice(Number(expected))
  return `error: unexpected argument '${first}'${command.name() === 'run' ? '; a pipeline file is given with -f' : ''}`
}

function path(command: Command): string {
  return command.parent ? `${path(command.parent)} ${command.name()}` : command.name()
}
