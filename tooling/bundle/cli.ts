import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { englishOnly, nodeBundle } from '../esbuild.ts'

// Bundles the `runtime` command. Fewer and smaller files start faster and take less memory: docs/decisions/0004-bundled-command.md.

const packages = fileURLToPath(new URL('../../packages/', import.meta.url))
const outdir = `${packages}runtime/bundle`

await rm(outdir, { recursive: true, force: true })
// Two builds: in one, what the command and an instance share would drag all of the SDK into every instance.
for (const [name, path] of [
  ['cli', 'runtime/src/cli.ts'],
  ['entry', 'engine/src/instance/entry.ts'],
] as const) {
  await build({
    ...nodeBundle,
    entryPoints: { [name]: packages + path },
    outdir,
    chunkNames: `${name}-[hash]`,
    bundle: true,
    splitting: true,
    // It finds its native part beside its own files.
    external: ['lmdb'],
    plugins: [englishOnly],
    logLevel: 'warning',
  })
}
