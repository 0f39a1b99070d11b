import { type Command, Option } from 'commander'

/** One command line flag, as data: help, completion and the reference page come from it, and so does its meaning. */
export interface Flag {
  /** As help shows it, for example `-i, --inputs <topics>`. `[bool]` is a switch that also takes `true` or `false`. */
  readonly flags: string
  readonly description: string
  /** Pulsar's older spellings: accepted, and not shown. */
  readonly legacy?: readonly string[]
  /** The field of SinkConfig or SourceConfig that it sets, for example `resources.cpu`. */
  readonly field?: string
  /** The value is JSON. */
  readonly json?: true
  /** May be given more than once. */
  readonly repeatable?: true
  /** Of one that may be given more than once: each value is an item of a list, commas in it mean nothing. */
  readonly list?: true
  /** The values it takes, matched without regard to case. */
  readonly choices?: readonly string[]
  /** Why it is accepted and has no effect here. */
  readonly inert?: string
}

/** Heading of the flags that are accepted so that a command written for pulsar-admin runs, and say that they do nothing. */
export const INERT_HEADING = "Accepted for pulsar-admin's sake, without effect here:"

/** Flags under one heading of the help. */
export interface FlagGroup {
  readonly heading: string
  readonly flags: readonly Flag[]
}

/** What the command line says, by {@link flagKey}; a switch is true or its text. */
export type FlagValues = { readonly [key: string]: string | boolean | readonly string[] | undefined }

/** `--sink-config-file`, the way problems name a flag. */
export function flagName(flag: Flag): string {
  return /--[\w-]+/.exec(flag.flags)?.[0] ?? flag.flags
}

/** `sinkConfigFile`, the way values are found. */
export function flagKey(flag: Flag): string {
  return flagName(flag)
    .replace(/^--(no-)?/, '')
    .replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** Carries the values that completion offers; they are checked with everything else, not by the parser. */
class ChoiceOption extends Option {
  constructor(flags: string, description: string, choices: readonly string[] | undefined) {
    super(flags, description)
    if (choices) this.argChoices = [...choices]
  }
}

/** An older spelling that fills in the value of the flag it stands for. */
class LegacyOption extends Option {
  readonly key: string

  constructor(flags: string, description: string, key: string) {
    super(flags, description)
    this.key = key
    this.hideHelp()
  }

  override attributeName(): string {
    return this.key
  }
}

/** Gives a command its flags. Values stay texts: they are checked together later, so that all problems come at once. */
export function addFlags(command: Command, groups: readonly FlagGroup[]): Command {
  command.addHelpOption(new Option('-h, --help', 'Show help').helpGroup(groups[0]?.heading ?? 'Options:'))
  // Help shows headings in the order in which they first come.
  const last = groups.filter(group => group.heading === INERT_HEADING)
  for (const { heading, flags } of [...groups.filter(group => !last.includes(group)), ...last]) {
    for (const flag of flags) {
      command.addOption(collecting(new ChoiceOption(flag.flags, describe(flag), flag.choices).helpGroup(heading), flag))
      const value = /[<[].*$/.exec(flag.flags)?.[0] ?? ''
      for (const spelling of flag.legacy ?? []) {
        const legacy = new LegacyOption(`${spelling} ${value}`.trim(), flag.description, flagKey(flag))
        command.addOption(collecting(legacy, flag))
      }
    }
  }
  return command
}

function describe(flag: Flag): string {
  return flag.inert ? `${flag.description}; ${flag.inert}` : flag.description
}

function collecting(option: Option, flag: Flag): Option {
  if (!flag.repeatable) return option
  return option.argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value])
}
