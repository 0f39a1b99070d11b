import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type ConnectorKind, closest } from '@pulsar-io/sdk'
import { nameProblem } from './name.ts'
import { type Home, projectFiles, writeProject } from './project.ts'

/** What the command works with besides its arguments. */
export interface CreateOptions {
  /** The folder of the templates. */
  readonly templates: string
  readonly home: Home
  readonly cwd: string
  readonly print: (text: string) => void
  readonly fail: (text: string) => void
}

const KINDS: readonly ConnectorKind[] = ['sink', 'source']

/** The command; resolves with the exit code: 0, or 2 for a mistake, each of which is told. */
export async function main(args: readonly string[], options: CreateOptions): Promise<number> {
  const { home, cwd, print, fail } = options
  const usage = usageOf(home)
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(args)
  } catch (error) {
    fail(`error: ${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    return 2
  }
  if (parsed.values.help) {
    print(usage)
    return 0
  }
  const [kind = '', name = '', ...more] = parsed.positionals
  const folder = home.type === 'workspace' ? join(home.root, 'connectors', name) : resolve(cwd, name)
  const problems = [
    ...kindProblems(kind),
    ...(kind === '' ? [] : [nameProblem(name, await taken(home)) ?? []].flat()),
    ...more.map(argument => `unexpected argument ${JSON.stringify(argument)}`),
  ]
  if (problems.length === 0 && (await isUsed(folder)))
    problems.push(`${folder} is there already and is not empty; nothing is overwritten`)
  if (problems.length > 0) {
    for (const problem of problems) fail(`error: ${problem}\n`)
    fail(`\n${usage}`)
    return 2
  }
  const root = home.type === 'workspace' ? home.root : folder
  const files = await projectFiles(options.templates, kind as ConnectorKind, name, home)
  const there = [...files.keys()].filter(path => existsSync(join(root, path)))
  if (there.length > 0) {
    fail(`error: ${there.map(path => join(root, path)).join(', ')}: there already; nothing is overwritten\n`)
    return 2
  }
  await writeProject(root, files)
  print(`${[...files.keys()].map(path => `  ${path}`).join('\n')}\n\n${nextSteps(home, kind as ConnectorKind, name)}`)
  return 0
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h' } },
  })
}

function kindProblems(kind: string): string[] {
  if ((KINDS as readonly string[]).includes(kind)) return []
  if (kind === '') return ['say what to make: a sink or a source']
  const guess = closest(kind, KINDS)
  return [`${JSON.stringify(kind)} is neither sink nor source${guess ? `; did you mean ${guess}?` : ''}`]
}

async function taken(home: Home): Promise<string[]> {
  if (home.type === 'alone') return []
  const entries = await readdir(join(home.root, 'connectors'), { withFileTypes: true })
  return entries.filter(entry => entry.isDirectory()).map(entry => entry.name)
}

async function isUsed(folder: string): Promise<boolean> {
  return existsSync(folder) && (await readdir(folder)).length > 0
}

function usageOf(home: Home): string {
  const command = home.type === 'workspace' ? 'pnpm create-connector' : 'npm create pulsar-connector'
  return `Usage: ${command} sink|source NAME

Makes a connector that builds, passes the conformance suite against a fake of its system, and packs.
NAME is that of the system in small letters, digits and dashes, for example redis-stream.
`
}

function nextSteps(home: Home, kind: ConnectorKind, name: string): string {
  if (home.type === 'alone')
    return `Next:
  cd ${name}
  npm install
  npm test
  npm run pack            ${name}.tgz, which the runtime loads and npm publishes
  npm run validate
`
  return `Next:
  pnpm install
  pnpm exec vitest run connectors/${name}
  pnpm run docs           the table of options in its README
  pnpm pack:connectors ${name}
Put the client of the system into src/connection.ts and src/client.ts, and its options into src/options.ts.
The error codes of src/ belong into docs/errors.md. The ${kind} itself should need few changes.
`
}
