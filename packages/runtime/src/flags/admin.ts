import { commonFlags } from './common.ts'
import { type Flag, type FlagGroup, flagName, INERT_HEADING } from './flag.ts'
import { clusterOnly } from './messaging.ts'
import { sinkFlags } from './sink.ts'
import { sourceFlags } from './source.ts'

/** Of those that name a cluster, the ones that mean the same for the admin interface. */
const LOGIN = new Set([
  '--client-auth-plugin',
  '--client-auth-params',
  '--tls-trust-cert-path',
  '--tls-allow-insecure',
  '--hostname-verification-enabled',
])

/** Where the worker is, and who asks. */
const serverFlags: FlagGroup = {
  heading: 'Server:',
  flags: [
    {
      flags: '--admin-url <url>',
      description:
        "Address of a worker, this project's or Pulsar's own; default $PULSAR_IO_ADMIN_URL, else http://127.0.0.1:6750",
      legacy: ['--web-service-url', '--webServiceUrl'],
    },
    ...clusterOnly.filter(flag => LOGIN.has(flagName(flag))),
    { flags: '--request-timeout <duration>', description: 'Time of one request; default 60s, and more for an upload' },
  ],
}

const TENANT = { flags: '--tenant <tenant>', description: 'Tenant; default public' }
const NAMESPACE = { flags: '--namespace <namespace>', description: 'Namespace; default default' }

const which: FlagGroup = {
  heading: 'Connector:',
  flags: [TENANT, NAMESPACE, { flags: '--name <name>', description: 'Name; the same as the argument' }],
}

const INSTANCE: Flag = {
  flags: '--instance-id <n>',
  description: 'One instance; default all',
  legacy: ['--instanceId'],
}

/** How results are shown. */
export const outputFlag: Flag = {
  flags: '--output <format>',
  description: 'Default table on a terminal, else json',
  choices: ['json', 'table', 'yaml'],
}

const output: FlagGroup = { heading: 'Output:', flags: [outputFlag] }

const WAIT: readonly Flag[] = [
  {
    flags: '--wait',
    description: 'Wait until every instance runs; else the last error is told, and the exit code is 1',
  },
  { flags: '--wait-timeout <duration>', description: 'How long --wait waits; default 60s' },
]

/** Flags of `delete`. */
export const nameFlags: readonly FlagGroup[] = [which, serverFlags]
/** Flags of `get`. */
export const getFlags: readonly FlagGroup[] = [which, output, serverFlags]
/** Flags of `list`. */
export const listFlags: readonly FlagGroup[] = [
  { heading: 'Connectors:', flags: [TENANT, NAMESPACE] },
  output,
  serverFlags,
]
/** Flags of `stop`, `pause` and `resume`. */
export const stopFlags: readonly FlagGroup[] = [{ ...which, flags: [...which.flags, INSTANCE] }, serverFlags]
/** Flags of `start` and `restart`. */
export const startFlags: readonly FlagGroup[] = [{ ...which, flags: [...which.flags, INSTANCE, ...WAIT] }, serverFlags]
/** Flags of `status`. */
export const statusFlags: readonly FlagGroup[] = [
  {
    ...which,
    flags: [
      ...which.flags,
      INSTANCE,
      { flags: '--watch', description: 'Show it again and again, until Ctrl-C' },
      { flags: '--interval <duration>', description: 'Time between looks of --watch; default 2s' },
    ],
  },
  output,
  serverFlags,
]
/** Flags of `logs`. */
export const logFlags: readonly FlagGroup[] = [
  {
    ...which,
    flags: [
      ...which.flags,
      INSTANCE,
      { flags: '--follow', description: 'Go on with new lines, until Ctrl-C' },
      { flags: '--tail <n>', description: 'Lines of each instance to begin with; default 200, at most 1000' },
      {
        flags: '--log-format <format>',
        description: 'Default pretty on a terminal, else json',
        choices: ['json', 'pretty'],
      },
    ],
  },
  serverFlags,
]
/** Flags of `dlq list`. */
export const deadLetterFlags: readonly FlagGroup[] = [
  {
    ...which,
    flags: [
      ...which.flags,
      { flags: '--limit <n>', description: 'Letters at most, the oldest; default 100, at most 1000' },
      { flags: '--show-values', description: 'Show the first 200 characters of keys and values' },
    ],
  },
  output,
  serverFlags,
]
/** Flags of `dlq replay`. */
export const replayFlags: readonly FlagGroup[] = [
  {
    ...which,
    flags: [
      ...which.flags,
      { flags: '--limit <n>', description: 'Letters at most, the oldest; default all that wait now' },
      { flags: '--dry-run', description: 'Count what would be published, and publish nothing' },
    ],
  },
  output,
  serverFlags,
]
/** Flags of `available-sinks` and `available-sources`. */
export const availableFlags: readonly FlagGroup[] = [output, serverFlags]
/** Flags of `reload`. */
export const reloadFlags: readonly FlagGroup[] = [serverFlags]

/** What has no effect in this runtime has one in Pulsar's worker. */
const JAVA_HEADING = "Only for Java connectors in Pulsar's own worker:"

/** Flags of `create` and `update`. */
export function configFlags(kind: 'sink' | 'source', command: 'create' | 'update'): readonly FlagGroup[] {
  const groups = [...commonFlags, ...(kind === 'sink' ? sinkFlags : sourceFlags)]
  const java = groups.filter(group => group.heading === INERT_HEADING).flatMap(group => group.flags)
  return [
    ...groups.filter(group => group.heading !== INERT_HEADING),
    { heading: 'Worker:', flags: command === 'create' ? WAIT : [...WAIT, UPDATE_AUTH_DATA] },
    serverFlags,
    { heading: JAVA_HEADING, flags: java },
  ]
}

const UPDATE_AUTH_DATA: Flag = {
  flags: '--update-auth-data [bool]',
  description: "Store the login of this command with the connector anew; only Pulsar's own worker knows it",
  legacy: ['--updateAuthData'],
}

/** Flags of `apply`. */
export const applyFlags: readonly FlagGroup[] = [
  {
    heading: 'Connectors:',
    flags: [
      {
        flags: '-f, --file <file>',
        description:
          'JSON or YAML: a list, or several documents, of SinkConfig and SourceConfig, each with kind: sink or kind: source',
      },
      { flags: '--dry-run', description: 'Show what would change, and change nothing' },
      {
        flags: '--upload',
        description: 'Send archives again where the worker cannot tell whether it has the same ones already',
      },
      ...WAIT,
    ],
  },
  output,
  serverFlags,
]
