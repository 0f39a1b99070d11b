import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type PackedConnector, packConnector } from './pack-connector.ts'
import { remember, unchanged } from './stamp.ts'

const CONNECTORS = resolve(import.meta.dirname, '../../connectors')

const HELP = `Usage: pnpm pack:connectors [name...] [--out DIR] [--force]

Packs connectors into archives that the runtime loads and npm publishes.

  name       folders below connectors/ (default: all of them)
  --out DIR  where the archives go (default: connectors/)
  --force    pack also where nothing has changed since the last time
`

/** The command; returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args)
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const out = resolve(values.out ?? CONNECTORS)
  const all = await allConnectors()
  const unknown = positionals.filter(name => !all.includes(name))
  if (unknown.length > 0) {
    process.stderr.write(`${unknown.join(', ')}: no such connector in ${CONNECTORS}; there: ${all.join(', ')}\n`)
    return 2
  }
  let failed = 0
  for (const name of positionals.length > 0 ? positionals : all) {
    try {
      print(await provide(name, join(out, `${name}.tgz`), values.force === true))
    } catch (error) {
      failed++
      const reason = error instanceof Error ? error.message : String(error)
      process.stderr.write(`${name}: not packed\n${reason.replace(/^/gm, '  ')}\n`)
    }
  }
  return failed === 0 ? 0 : 1
}

async function provide(name: string, out: string, force: boolean): Promise<PackedConnector> {
  const folder = join(CONNECTORS, name)
  const there = force ? undefined : await unchanged(name, folder, out)
  if (there !== undefined) return there
  const packed = await packConnector(folder, out)
  await remember(name, folder, packed)
  return packed
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { out: { type: 'string' }, force: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    })
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${HELP}`)
    process.exit(2)
  }
}

async function allConnectors(): Promise<string[]> {
  const entries = await readdir(CONNECTORS, { withFileTypes: true })
  return entries
    .filter(entry => entry.isDirectory() && existsSync(join(CONNECTORS, entry.name, 'package.json')))
    .map(entry => entry.name)
    .sort()
}

function print(packed: PackedConnector): void {
  const size = `${(packed.size / 1_000).toFixed(1)} KB`
  process.stdout.write(`${packed.name}.tgz  ${packed.version}  ${size}  sha256 ${packed.sha256}\n`)
  for (const warning of packed.warnings) process.stderr.write(`  ${warning}\n`)
}
