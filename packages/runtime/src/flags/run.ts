import type { FlagGroup } from './flag.ts'

/** Flags of the bare `runtime --archive …`. */
export const kindFlags: readonly FlagGroup[] = [
  {
    heading: 'Connector:',
    flags: [
      { flags: '--kind <kind>', description: 'Which one, where the archive has both', choices: ['sink', 'source'] },
    ],
  },
]

/** Flags of `run`. */
export const pipelineFlags: readonly FlagGroup[] = [
  {
    heading: 'Pipeline:',
    flags: [
      {
        flags: '-f, --file <file>',
        description:
          'JSON or YAML: a list, or several documents, of SinkConfig and SourceConfig, each with kind: sink or kind: source',
      },
      { flags: '--validate-only', description: 'Check everything and run nothing' },
      { flags: '--dry-run', description: 'The same as --validate-only' },
      {
        flags: '--log-level <level>',
        description: 'Log lines from this level on; default what each connector says, else info',
        choices: ['debug', 'info', 'warn', 'error'],
      },
    ],
  },
]
