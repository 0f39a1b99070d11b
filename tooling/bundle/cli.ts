import { cp, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { englishOnly, nodeBundle } from '../esbuild.ts'
import { bundledFiles } from '../pack/bundle.ts'
import { thirdPartyLicenses } from '../pack/licenses.ts'
import { bundledCommander } from './commander.ts'
import { buildConsole } from './console.ts'
import { bundleCreateConnector } from './create-connector.ts'
import { bundledLmdb } from './lmdb.ts'

// Bundles the `runtime` command. Fewer and smaller files start faster and take less memory: docs/decisions/0004-bundled-command.md.

const packages = fileURLToPath(new URL('../../packages/', import.meta.url))
const folder = `${packages}runtime`
const outdir = `${folder}/bundle`
const bundled = new Set<string>()

await rm(outdir, { recursive: true, force: true })
// Two builds: in one, what the command and an instance share would drag all of the SDK into every instance.
for (const [name, path] of [
  ['cli', 'runtime/src/cli.ts'],
  ['entry', 'engine/src/instance/entry.ts'],
] as const) {
  const { metafile } = await build({
    ...nodeBundle,
    absWorkingDir: folder,
    metafile: true,
    // They are all in the file with the licences.
    legalComments: 'none',
    entryPoints: { [name]: packages + path },
    outdir,
    chunkNames: `${name}-[hash]`,
    bundle: true,
    splitting: true,
    plugins: [englishOnly, bundledLmdb, bundledCommander],
    logLevel: 'warning',
  })
  for (const file of bundledFiles(folder, metafile)) bundled.add(file)
}
await writeFile(`${outdir}/THIRD-PARTY-LICENSES.txt`, await thirdPartyLicenses([...bundled].sort(), ''))
const builtConsole = `${packages}worker/dist/console`
await buildConsole(builtConsole)
await cp(builtConsole, `${outdir}/console`, { recursive: true })
await bundleCreateConnector(`${packages}create-connector`)
