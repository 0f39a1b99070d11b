// <reference> <kind> <cache folder>: waits for a line on stdin, then loads the connector and prints what it got as JSON.
// Exit code 3 for a refusal.
import { once } from 'node:events'
import { loadConnector, resolveArchive } from '../../../packages/engine/src/archive/index.ts'

const [reference = '', kind, cacheDir] = process.argv.slice(2)
process.stdout.write('ready\n')
await once(process.stdin, 'data')
process.stdin.pause()
try {
  const resolved = await resolveArchive(reference, { cacheDir })
  const definition = await loadConnector(resolved, kind === 'source' ? 'source' : 'sink')
  const { name, apiLevel } = definition
  const refused = definition.parse({ noSuchOption: 1 })
  const { directory } = resolved
  process.stdout.write(`${JSON.stringify({ name, kind: definition.kind, apiLevel, directory, refused })}\n`)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`)
  process.exitCode = 3
}
