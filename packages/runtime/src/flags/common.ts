import { type FlagGroup, INERT_HEADING } from './flag.ts'

const GUARANTEES = ['ATLEAST_ONCE', 'ATMOST_ONCE', 'EFFECTIVELY_ONCE'] as const

/** Flags that sinks and sources share; pulsar-admin's names. */
export const commonFlags: readonly FlagGroup[] = [
  {
    heading: 'Connector:',
    flags: [
      {
        flags: '-a, --archive <archive>',
        description: 'A path, builtin://NAME, an installed package, or an allowed URL, each with an optional #sha256=…',
        field: 'archive',
      },
      { flags: '--tenant <tenant>', description: 'Tenant; default public', field: 'tenant' },
      { flags: '--namespace <namespace>', description: 'Namespace; default default', field: 'namespace' },
      { flags: '--name <name>', description: 'Name; default the name of the archive', field: 'name' },
      { flags: '--parallelism <n>', description: 'Instances; default 1', field: 'parallelism' },
      {
        flags: '--processing-guarantees <guarantee>',
        description: 'Delivery promise; default ATLEAST_ONCE',
        legacy: ['--processingGuarantees'],
        field: 'processingGuarantees',
        choices: GUARANTEES,
      },
      {
        flags: '--secrets <json>',
        description: 'Option or secret name → where its value is: "${env:NAME}" or "${file:/run/secrets/x}"',
        field: 'secrets',
        json: true,
      },
      {
        flags: '--transform <transform>',
        description:
          'What happens to each record on its way, as in drop:email or phone:phone;country=DE, or JSON; may be given more than once, in order (docs/transforms.md)',
        field: 'transforms',
        repeatable: true,
        list: true,
      },
      {
        flags: '--log-topic <topic>',
        description: 'Topic that the log lines of the connector are published to as well',
        field: 'logTopic',
      },
      {
        flags: '--log-level <level>',
        description: 'Log lines from this level on; default info',
        legacy: ['--logLevel'],
        field: 'logLevel',
        choices: ['debug', 'info', 'warn', 'error'],
      },
      {
        flags: '--custom-runtime-options <json>',
        description:
          'Options of the runtime: {"stuckTimeout": "10m"} is the time that an instance may have work and do nothing; default --stuck-timeout, 0 for ever',
        field: 'customRuntimeOptions',
      },
      {
        flags: '--cpu <cores>',
        description: 'Cores of one instance: below 1, its weight where processors are short; more counts as 1',
        field: 'resources.cpu',
      },
      {
        flags: '--ram <bytes>',
        description: 'Memory of one instance: its heap limit in a thread',
        field: 'resources.ram',
      },
    ],
  },
  {
    heading: INERT_HEADING,
    flags: [
      { flags: '--disk <bytes>', description: 'Disk of one instance', field: 'resources.disk' },
      {
        flags: '--classname <class>',
        description: 'Java class of the connector',
        legacy: ['--className'],
        field: 'className',
      },
      { flags: '--runtime-flags <flags>', description: 'Flags of the JVM', field: 'runtimeFlags' },
    ],
  },
]
