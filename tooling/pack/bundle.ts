import { readFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { build, type Metafile, type Plugin } from 'esbuild'
import { englishOnly, nodeBundle } from '../esbuild.ts'
import { carryRunTimeFiles, type RunTimeFile } from './run-time-files.ts'

/** A connector with everything it imports, as files below `dist/`. */
export interface Bundle {
  /** Content by path inside the package. */
  readonly files: ReadonlyMap<string, Uint8Array>
  /** Path of the entry module inside the package. */
  readonly entry: string
  /** Notices that the bundled sources ask to be kept. */
  readonly legalComments: string
  readonly metafile: Metafile
  /** Absolute paths of files that are carried along as they are. */
  readonly carried: readonly string[]
  readonly warnings: readonly string[]
}

/** Packages that look for a native add-on at run time, where no bundler can see it. */
const NATIVE_LOADERS =
  /node_modules\/(bindings|node-gyp-build|node-gyp-build-optional-packages|prebuild-install|node-pre-gyp|@mapbox\/node-pre-gyp)\//

/**
 * Bundles `src/index.ts` of a connector. Workspace packages are taken from their source, so nothing has to be built.
 *
 * @throws Error when something cannot be bundled: a native add-on, or a missing import, but for one that the code itself
 * tries and goes on without.
 */
export async function bundleConnector(folder: string): Promise<Bundle> {
  const carried = new Map<string, RunTimeFile>()
  const result = await build({
    absWorkingDir: folder,
    entryPoints: ['src/index.ts'],
    outdir: 'dist',
    chunkNames: 'chunk-[hash]',
    bundle: true,
    splitting: true,
    write: false,
    metafile: true,
    ...nodeBundle,
    plugins: [refuseNativeAddons, carryRunTimeFiles(carried), englishOnly],
  })
  const files = new Map<string, Uint8Array>()
  const legal = new Set<string>()
  for (const file of result.outputFiles) {
    const path = relative(folder, file.path).replaceAll('\\', '/')
    if (path.endsWith('.LEGAL.txt')) legal.add(withoutMachinePaths(file.text))
    else files.set(path, Buffer.from(withoutStorePaths(file.text)))
  }
  for (const [path, { bytes }] of carried) files.set(path, bytes)
  const warnings = result.warnings.map(({ text, location }) => (location ? `${location.file}: ${text}` : text))
  return {
    files,
    entry: 'dist/index.js',
    legalComments: [...legal].sort().join('\n'),
    metafile: result.metafile,
    carried: [...carried.values()].map(({ source }) => source).sort(),
    warnings,
  }
}

const refuseNativeAddons: Plugin = {
  name: 'refuse-native-addons',
  setup(builder) {
    builder.onLoad({ filter: /\.node$/ }, async ({ path }) => ({
      errors: [{ text: `${basename(path)} is a native add-on: ${nativeFix}` }],
    }))
    builder.onLoad({ filter: NATIVE_LOADERS }, async ({ path }) => {
      const name = NATIVE_LOADERS.exec(path)?.[1]
      return { errors: [{ text: `${name} loads a native add-on at run time: ${nativeFix}` }] }
    })
  },
}

const nativeFix =
  'an archive runs on every platform. Take a client in plain JavaScript or WebAssembly, or vendor it through pulsarIo.assets'

/**
 * The wrappers of CommonJS modules are named by their path, for stacks. What is before the package in it is how this
 * machine installs packages.
 */
function withoutStorePaths(code: string): string {
  return code.replace(/(__(?:commonJS|esm)\w*\(\{")(?:[^"\\]*\/)?node_modules\/([^"\\]+"\()/g, '$1$2')
}

/** Legal comments name the files they come from, below folders that the package manager made up. */
function withoutMachinePaths(text: string): string {
  return text.replace(/^(.*\/)?node_modules\//gm, '').replaceAll('\r\n', '\n')
}

/** Absolute paths of the files that the bundle was made from. */
export function inputsOf(folder: string, metafile: Metafile): string[] {
  return Object.keys(metafile.inputs)
    .map(path => join(folder, path))
    .sort()
}

/** Absolute paths of the files of which something is in the bundle. */
export function bundledFiles(folder: string, metafile: Metafile): string[] {
  const paths = new Set<string>()
  for (const output of Object.values(metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(output.inputs)) if (bytesInOutput > 0) paths.add(path)
  }
  return [...paths].map(path => join(folder, path)).sort()
}

/** Reads a JSON file. */
export async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, 'utf8'))
}
