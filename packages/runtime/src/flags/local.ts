import { type FlagGroup, INERT_HEADING } from './flag.ts'
import { messagingFlags } from './messaging.ts'

/** Flags of a run on this machine: pulsar-admin's `localrun`, and what this runtime adds. */
export const localFlags: readonly FlagGroup[] = [
  messagingFlags,
  {
    heading: 'Run:',
    flags: [
      {
        flags: '--isolation <kind>',
        description: 'Where each instance runs; default thread',
        choices: ['thread', 'process', 'inline'],
      },
      {
        flags: '--exit-when-idle <duration>',
        description: 'Stop once there was nothing to do for this long, as in 2s',
      },
      {
        flags: '--drain-timeout <duration>',
        description: 'Time that a stop has to settle what is in flight; default 10s',
      },
      {
        flags: '--stuck-timeout <duration>',
        description:
          'Time that an instance may have work and do nothing before it is started anew; default 5m, 0s for ever',
      },
      { flags: '--fail-fast', description: 'Give up when a system cannot be reached at the first open (default)' },
      { flags: '--no-fail-fast', description: 'Wait for it instead, saying so' },
      {
        flags: '--metrics-port <port>',
        description: 'Serve /metrics (Prometheus) and /status (JSON) on 127.0.0.1; 0 takes a free port',
        legacy: ['--metrics-port-start'],
      },
      { flags: '--connectors-dir <dir>', description: 'Folder of builtin:// archives; default connectors' },
      {
        flags: '--allow-url <prefix>',
        description: 'Archives may come from URLs that start so; may be given more than once',
        repeatable: true,
      },
      {
        flags: '--log-format <format>',
        description: 'Default pretty on a terminal, else json',
        choices: ['json', 'pretty'],
      },
    ],
  },
  {
    heading: 'Batches (default: what the connector says):',
    flags: [
      { flags: '--batch-size <n>', description: 'Records in a batch at most' },
      { flags: '--batch-bytes <size>', description: 'Bytes in a batch at most, as in 5MiB' },
      { flags: '--batch-delay <duration>', description: 'Time that a record waits for company at most' },
      { flags: '--batch-in-flight <n>', description: 'Batches written at the same time at most' },
    ],
  },
]

/** Flags of `localrun` that have no meaning here. */
export const inertFlags: readonly FlagGroup[] = [
  {
    heading: INERT_HEADING,
    flags: [
      {
        flags: '--state-storage-service-url <url>',
        description: 'State store',
        inert: 'state is kept in the messaging system',
      },
      {
        flags: '--secrets-provider-classname <class>',
        description: 'Java secrets provider',
        inert: 'secrets come from the environment and from files',
      },
      {
        flags: '--secrets-provider-config <json>',
        description: 'Its configuration',
        inert: 'secrets come from the environment and from files',
      },
    ],
  },
]
