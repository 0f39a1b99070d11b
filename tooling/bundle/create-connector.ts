import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { englishOnly, nodeBundle } from '../esbuild.ts'
import { bundledFiles } from '../pack/bundle.ts'
import { thirdPartyLicenses } from '../pack/licenses.ts'

const root = resolve(import.meta.dirname, '../..')

/** What a connector with a project of its own works with: ours, and what the template of its tests needs. */
const OURS = {
  '@pulsar-io/sdk': 'packages/sdk',
  '@pulsar-io/testkit': 'packages/testkit',
  '@pulsar-io/runtime': 'packages/runtime',
  'create-pulsar-connector': 'packages/create-connector',
}
const THEIRS = ['@types/node', 'typescript', 'vitest', 'zod']

/**
 * Makes `bundle` and `templates` of the package create-pulsar-connector below `folder`: the commands with all that they
 * import, the packer among it, and the templates with the versions of this release.
 */
export async function bundleCreateConnector(folder: string): Promise<void> {
  const [bundle, templates] = [join(folder, 'bundle'), join(folder, 'templates')]
  await rm(bundle, { recursive: true, force: true })
  await rm(templates, { recursive: true, force: true })
  const { metafile } = await build({
    ...nodeBundle,
    absWorkingDir: root,
    metafile: true,
    // They are all in the file with the licences.
    legalComments: 'none',
    entryPoints: { create: 'packages/create-connector/src/cli.ts', pack: 'tooling/pack/alone.ts' },
    outdir: bundle,
    chunkNames: 'chunk-[hash]',
    bundle: true,
    splitting: true,
    // It finds its binary beside its own files.
    external: ['esbuild'],
    plugins: [englishOnly],
    logLevel: 'warning',
  })
  const licenses = await thirdPartyLicenses(bundledFiles(root, metafile), '')
  await writeFile(join(bundle, 'THIRD-PARTY-LICENSES.txt'), licenses)
  await mkdir(templates, { recursive: true })
  for (const kind of ['sink', 'source'])
    await cp(join(root, 'tooling/templates', kind), join(templates, kind), { recursive: true })
  await cp(join(root, 'LICENSE'), join(templates, 'LICENSE'))
  await writeFile(join(templates, 'versions.json'), `${JSON.stringify(await versions(), null, 2)}\n`)
}

async function versions(): Promise<{ readonly [name: string]: string }> {
  const catalog = await readFile(join(root, 'pnpm-workspace.yaml'), 'utf8')
  const found: [string, string][] = []
  for (const [name, folder] of Object.entries(OURS)) {
    const facts = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8')) as { readonly version: string }
    found.push([name, `^${facts.version}`])
  }
  for (const name of THEIRS) {
    const version = new RegExp(`^ {2}"?${name}"?: (\\S+)$`, 'm').exec(catalog)?.[1]
    if (version === undefined) throw new Error(`pnpm-workspace.yaml: the catalog has no ${name}`)
    found.push([name, version])
  }
  return Object.fromEntries(found)
}
