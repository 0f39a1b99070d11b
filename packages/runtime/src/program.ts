import { Command } from 'commander'
import { commonFlags } from './flags/common.ts'
import { addFlags, type FlagGroup, type FlagValues } from './flags/flag.ts'
import { clusterFlags, localFlags } from './flags/local.ts'
import { sinkFlags } from './flags/sink.ts'
import { sourceFlags } from './flags/source.ts'
import { version } from './version.ts'

/** Does a command's work and returns the exit code. */
type Action = (values: FlagValues, ...args: readonly string[]) => Promise<number>

/** The command line as a tree, and what its commands answered. */
export interface Program {
  readonly command: Command
  /** The exit code of the command that ran. */
  exitCode(): number
}

const KIND: FlagGroup = {
  heading: 'Connector:',
  flags: [{ flags: '--kind <kind>', description: 'sink or source, where the archive has both' }],
}

/** Builds the tree of commands and flags. Has no effect: the code of a command is loaded when it runs. */
export function buildProgram(): Program {
  let exitCode = 0
  const act = (command: Command, action: Action): Command =>
    command.action(async (...args: unknown[]) => {
      // The parser hands over the arguments, the flags, and the command itself.
      const given = args.slice(0, -2).filter(each => typeof each === 'string')
      exitCode = await action(command.opts(), ...given)
    })

  const root = new Command('runtime')
    .description('Runs Pulsar IO connectors.')
    .usage('--archive <archive> [flags]\n       runtime <command> [flags]')
    .version(version(), '-V, --version', 'Print the version')
    .helpOption('-h, --help', 'Show help')
    .helpCommand(false)
    .enablePositionalOptions()
    .addHelpText('after', examples(ROOT_EXAMPLES, 'runtime localrun --help lists all flags of `runtime --archive`.'))

  const local = root.command('localrun', { hidden: true }).description('Run a connector: what `runtime --archive` is')
  addFlags(local, [
    ...commonFlags,
    KIND,
    ...sinkFlags,
    ...sourceFlags.map(withoutShortFlags),
    ...localFlags,
    ...clusterFlags,
  ])
  act(local, async values => (await import('./commands/localrun.ts')).localrun(undefined, values))
  local.addHelpText('after', examples([...SINK_EXAMPLES, ...SOURCE_EXAMPLES]))

  for (const kind of ['sink', 'source'] as const) {
    const group = root.command(`${kind}s`).alias(kind).description(`Run ${kind}s`)
    const run = group.command('localrun').description(`Run a ${kind} on this machine`)
    addFlags(run, [...commonFlags, ...(kind === 'sink' ? sinkFlags : sourceFlags), ...localFlags, ...clusterFlags])
    act(run, async values => (await import('./commands/localrun.ts')).localrun(kind, values))
    run.addHelpText('after', examples(kind === 'sink' ? SINK_EXAMPLES : SOURCE_EXAMPLES))
  }
  return { command: root, exitCode: () => exitCode }
}

/** `-t` is --sink-type of a sink and --source-type of a source: where both are, only one can have it. */
function withoutShortFlags(group: FlagGroup): FlagGroup {
  return { ...group, flags: group.flags.map(flag => ({ ...flag, flags: flag.flags.replace(/^-\w, /, '') })) }
}

const SINK_EXAMPLES = [
  'runtime sinks localrun --archive connectors/file.tgz --inputs orders --sink-config \'{"path":"out"}\'',
  'runtime sinks localrun --archive connectors/elasticsearch.tgz --inputs orders --sink-config my_elastic_search.json',
  'runtime sinks localrun --sink-config-file sink.yaml --parallelism 2',
]

const SOURCE_EXAMPLES = [
  'runtime sources localrun --archive connectors/netty.tgz --destination-topic-name events --source-config \'{"type":"http","port":10999}\'',
  'runtime sources localrun --source-config-file netty-source-config.yaml --archive connectors/netty.tgz --destination-topic-name netty-topic',
]

const ROOT_EXAMPLES = [
  'runtime --archive connectors/elasticsearch.tgz --inputs orders --sink-config my_elastic_search.json',
  'runtime run -f pipeline.yaml',
  'runtime connectors inspect connectors/netty.tgz',
  'echo \'{"id":1}\' | runtime topics produce orders --key-field id',
  'runtime topics consume orders --output json',
]

/** The examples at the end of a help text. */
export function examples(lines: readonly string[], after = ''): string {
  return `\nExamples:\n${lines.map(line => `  ${line}`).join('\n')}\n${after ? `\n${after}\n` : ''}`
}
