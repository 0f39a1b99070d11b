import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type PackedConnector, packConnector } from './pack-connector.ts'

const CONNECTORS = resolve(import.meta.dirname, '../../connectors')

const HELP = `Usage: pnpm pack:connectors [name...] [--out DIR]

Packs connectors into archives that the runtime loads and npm publishes.

  name       folders below connectors/ (default: all of them)
  --out DIR  where the archives go (default: connectors/)
`

/** The command; returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args)
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const out = resolve(values.out ?? CONNECTORS)
  let failed = 0
  for (const name of positionals.length > 0 ? positionals : await allConnectors()) {
    try {
      print(await packConnector(join(CONNECTORS, name), join(out, `${name}.tgz`)))
    } catch (error) {
      failed++
      const reason = error instanceof Error ? error.message : String(error)
      process.stderr.write(`${name}: not packed\n${reason.replace(/^/gm, '  ')}\n`)
    }
  }
  return failed === 0 ? 0 : 1
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { out: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
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
