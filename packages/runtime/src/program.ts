import type { StandbyThread } from '@pulsar-io/engine/standby'
import { Command } from 'commander'
import { EXAMPLES, examplesText } from './examples.ts'
import { commonFlags } from './flags/common.ts'
import { inspectFlags, listFlags, validateFlags } from './flags/connectors.ts'
import { addFlags, type FlagGroup, type FlagValues } from './flags/flag.ts'
import { inertFlags, localFlags } from './flags/local.ts'
import { kindFlags, pipelineFlags } from './flags/run.ts'
import { sinkFlags } from './flags/sink.ts'
import { sourceFlags } from './flags/source.ts'
import { consumeFlags, produceFlags, topicListFlags, topicsFlags } from './flags/topics.ts'
import { workerFlags } from './flags/worker.ts'
import { addAdminCommands, addApplyCommand } from './program-admin.ts'
import { version } from './version.ts'

/** Does a command's work and returns the exit code. */
type Action = (values: FlagValues, ...args: readonly string[]) => Promise<number>

/** The command line as a tree, and what its commands answered. */
export interface Program {
  readonly command: Command
  /** The exit code of the command that ran. */
  exitCode(): number
}

/** What a tree is built for. */
export interface Invocation {
  /** The command line; commands that it does not name get no flags, which are most of the work. */
  readonly words: readonly string[]
  /** A thread for the first instance. */
  readonly standby: StandbyThread | undefined
}

/**
 * Builds the tree of commands and flags, all of it where it is not said what for. Has no effect: the code of a command is
 * loaded when it runs.
 */
export function buildProgram({ words, standby }: Partial<Invocation> = {}): Program {
  let exitCode = 0
  const addAllFlags: (() => void)[] = []
  const root = new Command('runtime')
    .description('Runs Pulsar IO connectors.')
    .usage('--archive <archive> [flags]\n       runtime <command> [flags]')
    .version(version(), '-V, --version', 'Print the version')
    .helpOption('-h, --help', 'Show help')
    .helpCommand(false)
    .addHelpText(
      'after',
      examplesText(
        EXAMPLES.root,
        'All flags of `runtime --archive …`: runtime sinks localrun --help, sources likewise.',
      ),
    )

  /** Adds a command that does something. */
  const leaf = (
    parent: Command,
    usage: string,
    description: string,
    flags: readonly FlagGroup[],
    samples: readonly string[],
    action: Action,
  ) => {
    const command = parent.command(usage).description(description)
    addAllFlags.push(() => {
      const names = [command.name(), ...command.aliases()]
      if (words === undefined || names.some(name => words.includes(name))) addFlags(command, flags)
    })
    command.addHelpText('after', examplesText(samples))
    return command.action(async (...given: unknown[]) => {
      // The parser hands over the arguments, the flags, and the command itself.
      const args = given.slice(0, -2).filter(each => typeof each === 'string')
      exitCode = await action(command.opts(), ...args)
    })
  }
  const group = (name: string, description: string) =>
    root.command(name).description(description).helpOption('-h, --help', 'Show help').helpCommand(false)

  const bare = [
    ...commonFlags,
    ...kindFlags,
    ...sinkFlags,
    ...sourceFlags.map(withoutShortFlags),
    ...localFlags,
    ...inertFlags,
  ]
  const local = leaf(
    root,
    'localrun',
    'Run a connector on this machine',
    bare,
    [...EXAMPLES.sink, ...EXAMPLES.source],
    async values => (await import('./commands/localrun.ts')).localrun(undefined, values, standby),
  )
  // It is what `runtime --archive …` stands for, not a name to learn.
  local.usage('--archive <archive> [flags]')
  Object.assign(local, { _hidden: true })
  for (const kind of ['sink', 'source'] as const) {
    const flags = [...commonFlags, ...(kind === 'sink' ? sinkFlags : sourceFlags), ...localFlags, ...inertFlags]
    const parent = group(`${kind}s`, `Run ${kind}s, here or on a worker`).alias(kind)
    leaf(parent, 'localrun', `Run a ${kind} on this machine`, flags, EXAMPLES[kind], async values =>
      (await import('./commands/localrun.ts')).localrun(kind, values, standby),
    )
    addAdminCommands(kind, parent, leaf)
  }
  leaf(
    root,
    'run',
    'Run all sources and sinks of a file in one process',
    [...pipelineFlags, ...localFlags],
    EXAMPLES.run,
    async values => (await import('./commands/run-file.ts')).runFile(values, standby),
  )
  addApplyCommand(root, leaf)
  const connectors = group('connectors', 'Look at connector archives')
  leaf(
    connectors,
    'list',
    'List the connectors of a folder, and what was skipped and why',
    listFlags,
    EXAMPLES.list,
    async values => (await import('./commands/connectors.ts')).list(values),
  )
  leaf(
    connectors,
    'inspect <archive>',
    'Show what an archive says of itself',
    inspectFlags,
    EXAMPLES.inspect,
    async (values, archive = '') => (await import('./commands/connectors.ts')).inspect(archive, values),
  )
  leaf(
    connectors,
    'validate <archive>',
    'Check a configuration',
    validateFlags,
    EXAMPLES.validate,
    async (values, archive = '') => (await import('./commands/connectors.ts')).validate(archive, values),
  )
  const topics = group('topics', 'Look at topics, and fill them')
  leaf(
    topics,
    'produce <topic>',
    'Publish records, one per line',
    produceFlags,
    EXAMPLES.produce,
    async (values, topic = '') => (await import('./commands/topics-produce.ts')).produce(topic, values),
  )
  leaf(topics, 'consume <topic>', 'Print records', consumeFlags, EXAMPLES.consume, async (values, topic = '') =>
    (await import('./commands/topics-consume.ts')).consume(topic, values),
  )
  leaf(
    topics,
    'stats <topic>',
    'Show the numbers of a topic',
    topicsFlags,
    EXAMPLES.stats,
    async (values, topic = '') => (await import('./commands/topics-show.ts')).stats(topic, values),
  )
  leaf(topics, 'list', 'List the topics', topicListFlags, EXAMPLES.topics, async values =>
    (await import('./commands/topics-show.ts')).listTopics(values),
  )
  leaf(root, 'worker', 'Run many connectors behind a REST API', workerFlags, EXAMPLES.worker, async values =>
    (await import('./commands/worker.ts')).worker(values),
  )
  leaf(
    root,
    'completion <shell>',
    'Print a completion script for bash, zsh or fish',
    [],
    EXAMPLES.completion,
    async (_, shell = '') => (await import('./commands/completion.ts')).completion(shell, buildProgram().command),
  )
  for (const add of addAllFlags) add()
  return { command: root, exitCode: () => exitCode }
}

/** `-t` is --sink-type of a sink and --source-type of a source: where both are, neither can have it. */
function withoutShortFlags(group: FlagGroup): FlagGroup {
  return { ...group, flags: group.flags.map(flag => ({ ...flag, flags: flag.flags.replace(/^-\w, /, '') })) }
}
