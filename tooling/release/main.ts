import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { publishCommand, type Release, releasePlan } from './plan.ts'

const ROOT = resolve(import.meta.dirname, '../..')

const HELP = `Usage: pnpm release [--dry-run]

Publishes what the changesets ask for: packages by pnpm, connectors as the archives that the runtime loads.

  --dry-run  only shows it
`

/** Before anything is published. */
const PREPARE: readonly (readonly string[])[] = [
  ['pnpm', 'exec', 'changeset', 'version'],
  ['pnpm', 'install', '--lockfile-only'],
  ['pnpm', 'build'],
  ['pnpm', 'pack:connectors'],
]

/** The command; resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  let dryRun: boolean
  try {
    const options = { 'dry-run': { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const
    const { values } = parseArgs({ args: [...args], options })
    if (values.help) {
      process.stdout.write(HELP)
      return 0
    }
    dryRun = values['dry-run'] === true
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`)
    return 2
  }
  const plan = await releasePlan(ROOT)
  if (plan.length === 0) {
    process.stdout.write('no changesets: nothing to publish\n')
    return 0
  }
  process.stdout.write(describePlan(plan))
  if (dryRun) return 0
  for (const command of [...PREPARE, ...plan.map(publishCommand)]) {
    const code = await run(command)
    if (code === 0) continue
    process.stderr.write(`${command.join(' ')}: ended with ${code}; nothing after it was done\n`)
    return 1
  }
  return 0
}

/** What is published, how, and what users are told of it. */
export function describePlan(plan: readonly Release[]): string {
  const blocks = plan.map(release => {
    const { name, bump, from, to, summaries } = release
    const told = summaries.flatMap(summary => summary.trim().split('\n'))
    return [
      `${name}  ${from} → ${to}  (${bump})`,
      ...told.map(line => `    ${line}`),
      `    $ ${publishCommand(release).join(' ')}`,
    ]
  })
  return `${blocks.map(lines => lines.join('\n')).join('\n')}\n`
}

async function run([command = '', ...args]: readonly string[]): Promise<number> {
  const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit' })
  const [code] = (await once(child, 'close')) as [number | null]
  return code ?? 1
}
