import type { FlagGroup } from './flag.ts'
import { messagingFlags } from './messaging.ts'

/** Flags of `worker`. */
export const workerFlags: readonly FlagGroup[] = [
  {
    heading: 'Worker:',
    flags: [
      { flags: '--port <port>', description: 'Default 6750; 0 takes a free port', legacy: ['--worker-port'] },
      {
        flags: '--host <host>',
        description: 'Address to listen on; default 127.0.0.1. Any that others reach needs tokens or passwords',
      },
      {
        flags: '--advertised-host <host>',
        description: 'Name or address that others reach it by; default --host, or the name of the machine',
      },
      { flags: '--worker-id <id>', description: 'Default from the host and the port' },
      { flags: '--connectors-dir <dir>', description: 'Folder of builtin:// archives; default connectors' },
      {
        flags: '--allow-url <prefix>',
        description: 'Archives may come from URLs that start so, or from a file:// folder; may be given more than once',
        repeatable: true,
      },
      {
        flags: '--work-dir <dir>',
        description: 'Folder for uploads and fetched archives; default .pulsar-io-worker',
      },
      {
        flags: '--metadata-namespace <tenant/namespace>',
        description: 'Where the configurations are kept; default public/functions',
      },
      {
        flags: '--isolation <kind>',
        description: 'Where each instance runs; default thread',
        choices: ['thread', 'process', 'inline'],
      },
      {
        flags: '--lease <duration>',
        description:
          'Time out of touch after which other workers run what this one ran; default 10s, on the embedded log 30s',
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
      {
        flags: '--log-level <level>',
        description: 'Log lines from this level on; default info',
        choices: ['debug', 'info', 'warn', 'error'],
      },
      {
        flags: '--log-format <format>',
        description: 'Default pretty on a terminal, else json',
        choices: ['json', 'pretty'],
      },
    ],
  },
  messagingFlags,
  {
    heading: 'Security:',
    flags: [
      { flags: '--token-secret-key <file>', description: 'Take tokens that were signed with this secret (HS256…)' },
      {
        flags: '--token-public-key <file>',
        description: 'Take tokens that were signed with the private key of this one, PEM or DER (RS256…, ES256…)',
      },
      { flags: '--token-audience <text>', description: 'Tokens have to be for this audience' },
      {
        flags: '--basic-auth-file <file>',
        description: 'Users, one per line: name:password, or name:scrypt:<salt>:<hash> in base64',
      },
      {
        flags: '--superuser-roles <roles>',
        description: 'Roles that may do everything, separated by commas',
        legacy: ['--super-user-roles'],
      },
      {
        flags: '--authorize <role=tenant/namespace>',
        description:
          'What another role may look at and change; without /namespace all of the tenant; may be given more than once',
        repeatable: true,
      },
      { flags: '--tls-cert <file>', description: 'PEM file of the certificate to serve with; needs --tls-key' },
      { flags: '--tls-key <file>', description: 'PEM file of its private key' },
      { flags: '--max-upload-size <size>', description: 'Largest archive to take; default 64MiB' },
      {
        flags: '--rate-limit <n>',
        description: 'Requests per second from one address; default 200, 0 for no limit',
      },
    ],
  },
]
