import type { Command } from 'commander'
import { ADMIN_EXAMPLES } from './examples-admin.ts'
import {
  applyFlags,
  availableFlags,
  configFlags,
  deadLetterFlags,
  getFlags,
  listFlags,
  logFlags,
  nameFlags,
  reloadFlags,
  replayFlags,
  startFlags,
  statusFlags,
  stopFlags,
} from './flags/admin.ts'
import type { FlagGroup, FlagValues } from './flags/flag.ts'

/** Adds a command that does something; its action gives the exit code. */
export type Leaf = (
  parent: Command,
  usage: string,
  description: string,
  flags: readonly FlagGroup[],
  samples: readonly string[],
  action: (values: FlagValues, ...args: readonly string[]) => Promise<number>,
) => Command

/** The commands of `sinks` or `sources` that talk to a worker. */
export function addAdminCommands(kind: 'sink' | 'source', parent: Command, leaf: Leaf): void {
  const samples = ADMIN_EXAMPLES[kind]
  const configure = () => import('./commands/admin/configure.ts')
  const control = () => import('./commands/admin/control.ts')
  const look = () => import('./commands/admin/look.ts')
  leaf(parent, 'create', `Create a ${kind} on a worker`, configFlags(kind, 'create'), samples.create, async values =>
    (await configure()).create(kind, values),
  )
  leaf(
    parent,
    'update',
    `Change a ${kind} of a worker; what is left out stays as it is`,
    configFlags(kind, 'update'),
    samples.update,
    async values => (await configure()).update(kind, values),
  )
  leaf(parent, 'delete [name]', `Delete a ${kind}`, nameFlags, samples.delete, async (values, name) =>
    (await control()).remove(kind, values, name),
  )
  leaf(parent, 'get [name]', `Show the configuration of a ${kind}`, getFlags, samples.get, async (values, name) =>
    (await look()).get(kind, values, name),
  )
  leaf(parent, 'list', `List the ${kind}s of a namespace`, listFlags, samples.list, async values =>
    (await look()).list(kind, values),
  )
  leaf(parent, 'status [name]', `Show how a ${kind} is doing`, statusFlags, samples.status, async (values, name) =>
    (await import('./commands/admin/status.ts')).status(kind, values, name),
  ).alias('getstatus')
  leaf(parent, 'logs [name]', `Show what a ${kind} has logged lately`, logFlags, samples.logs, async (values, name) =>
    (await import('./commands/admin/logs.ts')).logs(kind, values, name),
  )
  for (const [action, description, flags] of [
    ['start', `Start a ${kind}, or one of its instances`, startFlags],
    ['stop', `Stop a ${kind}, or one of its instances`, stopFlags],
    ['restart', `Restart a ${kind}, or one of its instances`, startFlags],
    ['pause', `Keep a ${kind}, or one of its instances, from taking records; it stays open`, stopFlags],
    ['resume', `End a pause`, stopFlags],
  ] as const) {
    leaf(parent, `${action} [name]`, description, flags, samples[action], async (values, name) =>
      (await control()).control(kind, action, values, name),
    )
  }
  const dlq = parent
    .command('dlq')
    .description(`Look at the dead letters of a ${kind}${kind === 'sink' ? ', and replay them' : ''}`)
    .helpOption('-h, --help', 'Show help')
    .helpCommand(false)
  const deadLetters = () => import('./commands/admin/dead-letters.ts')
  leaf(
    dlq,
    'list [name]',
    `Show the dead letters of a ${kind} that were not replayed, and leave them as they are`,
    deadLetterFlags,
    samples.deadLetters,
    async (values, name) => (await deadLetters()).list(kind, values, name),
  )
  // Those of a source would go past its transforms, which refused them.
  if (kind === 'sink') {
    leaf(
      dlq,
      'replay [name]',
      'Publish the dead letters of a sink again to where they came from, each once',
      replayFlags,
      ADMIN_EXAMPLES.replay,
      async (values, name) => (await deadLetters()).replay(values, name),
    )
  }
  leaf(
    parent,
    'reload',
    `Have the worker look for built-in ${kind}s again`,
    reloadFlags,
    samples.reload,
    async values => (await control()).reload(kind, values),
  )
  leaf(
    parent,
    `available-${kind}s`,
    `List the built-in ${kind}s of the worker`,
    availableFlags,
    samples.available,
    async values => (await look()).available(kind, values),
  )
}

/** `apply -f`. */
export function addApplyCommand(root: Command, leaf: Leaf): void {
  leaf(
    root,
    'apply',
    'Create or update all sources and sinks of a file on a worker',
    applyFlags,
    ADMIN_EXAMPLES.apply,
    async values => (await import('./commands/admin/apply.ts')).apply(values),
  )
}
