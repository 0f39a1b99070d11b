import type { FlagGroup } from './flag.ts'
import { messagingFlags } from './messaging.ts'

const output: FlagGroup = {
  heading: 'Output:',
  flags: [
    { flags: '--output <format>', description: 'Default table on a terminal, else json', choices: ['json', 'table'] },
  ],
}

/** Flags of `topics produce`. */
export const produceFlags: readonly FlagGroup[] = [
  {
    heading: 'Records:',
    flags: [
      { flags: '-f, --file <file>', description: 'Read from a file; default -, the standard input' },
      {
        flags: '--key-field <field>',
        description: 'Take the key from this field of each record, which has to be JSON',
      },
      {
        flags: '--property <name=value>',
        description: 'Property of every record; may be given more than once',
        repeatable: true,
      },
      {
        flags: '--schema <schema>',
        description:
          'Schema of the topic: a type such as json, avro:<file or definition>, or an object; default the one it has, else none. Lines are text for string and bytes, JSON for all others',
      },
      { flags: '--rate <n>', description: 'Records in a second at most' },
    ],
  },
  messagingFlags,
]

/** Flags of `topics consume`. */
export const consumeFlags: readonly FlagGroup[] = [
  {
    heading: 'Records:',
    flags: [
      {
        flags: '--from <place>',
        description: 'earliest (default), latest, a time such as 2025-01-31T12:00:00Z, or how long ago, such as 10m',
      },
      { flags: '-n, --count <n>', description: 'End after this many records, and wait for them' },
      { flags: '--follow', description: 'Wait for more at the end of the topic' },
      { flags: '--exit-when-idle <duration>', description: 'Wait for more, and end once nothing came for this long' },
      {
        flags: '--subscription <name>',
        description: 'Read by this subscription and acknowledge what is printed; default: leave no trace',
      },
      {
        flags: '--output <format>',
        description: 'value (default): the values, one per line; json: an object per line',
        choices: ['value', 'json'],
      },
    ],
  },
  messagingFlags,
]

/** Flags of `topics stats`. */
export const topicsFlags: readonly FlagGroup[] = [messagingFlags, output]

/** Flags of `topics list`. */
export const topicListFlags: readonly FlagGroup[] = [
  messagingFlags,
  {
    ...output,
    flags: output.flags.map(flag => ({ ...flag, description: 'table (default): names, one per line; json: a list' })),
  },
]
