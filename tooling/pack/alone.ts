import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { packConnector } from './pack-connector.ts'

const HELP = `Usage: pulsar-connector pack [--out FILE]

Packs the connector in this folder into an archive that the runtime loads and npm publishes.

  --out FILE  the archive (default: NAME.tgz in this folder)
`

/** `pulsar-connector`, for connectors with a project of their own; resolves with the exit code. */
async function main(args: readonly string[], folder: string): Promise<number> {
  let given: { readonly command: readonly string[]; readonly out: string | undefined; readonly help: boolean }
  try {
    const options = { out: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options })
    given = { command: positionals, out: values.out, help: values.help === true }
  } catch (error) {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n\n${HELP}`)
    return 2
  }
  if (given.help) {
    process.stdout.write(HELP)
    return 0
  }
  if (given.command.join(' ') !== 'pack') {
    process.stderr.write(`error: the command is pack, got ${JSON.stringify(given.command.join(' '))}\n\n${HELP}`)
    return 2
  }
  try {
    const out = given.out ?? join(folder, `${basename(folder)}.tgz`)
    const { path, version, size, sha256, warnings } = await packConnector(folder, out)
    process.stdout.write(`${basename(path)}  ${version}  ${(size / 1000).toFixed(1)} KB  sha256 ${sha256}\n`)
    for (const warning of warnings) process.stderr.write(`  ${warning}\n`)
    return 0
  } catch (error) {
    process.stderr.write(`error: not packed\n${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}

process.exitCode = await main(process.argv.slice(2), process.cwd())
