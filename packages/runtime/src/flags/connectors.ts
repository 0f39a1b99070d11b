import type { FlagGroup } from './flag.ts'

const output: FlagGroup = {
  heading: 'Output:',
  flags: [
    { flags: '--output <format>', description: 'Default table on a terminal, else json', choices: ['json', 'table'] },
  ],
}

const folder = { flags: '--connectors-dir <dir>', description: 'Folder of archives; default connectors' }

const archives: FlagGroup = {
  heading: 'Archives:',
  flags: [
    folder,
    {
      flags: '--allow-url <prefix>',
      description: 'The archive may come from URLs that start so; may be given more than once',
      repeatable: true,
    },
  ],
}

/** Flags of `connectors list`. */
export const listFlags: readonly FlagGroup[] = [{ heading: 'Archives:', flags: [folder] }, output]

/** Flags of `connectors inspect`. */
export const inspectFlags: readonly FlagGroup[] = [archives, output]

/** Flags of `connectors validate`. */
export const validateFlags: readonly FlagGroup[] = [
  {
    heading: 'Configuration:',
    flags: [
      { flags: '--kind <kind>', description: 'Which one, where the archive has both', choices: ['sink', 'source'] },
      { flags: '--sink-config <json|file>', description: "The sink's options: JSON, or a file" },
      { flags: '--sink-config-file <file>', description: 'JSON or YAML: SinkConfig, or the bare options' },
      { flags: '--source-config <json|file>', description: "The source's options: JSON, or a file" },
      { flags: '--source-config-file <file>', description: 'JSON or YAML: SourceConfig, or the bare options' },
      {
        flags: '--secrets <json>',
        description: 'Option or secret name → where its value is',
        field: 'secrets',
        json: true,
      },
    ],
  },
  archives,
]
