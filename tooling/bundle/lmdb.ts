import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Plugin } from 'esbuild'

/** How lmdb tells its loader where to look for the native part. */
const OWN_FILE = 'fileURLToPath(import.meta.url)'

/**
 * Bundles lmdb without msgpackr, the encoding it takes when nobody names one, which every instance would carry. The native
 * part stays where it is installed, and lmdb's own loader finds it: it is told where lmdb is, not where the bundle is.
 */
export const bundledLmdb: Plugin = {
  name: 'lmdb',
  setup(builder) {
    builder.onLoad({ filter: /[\\/]lmdb[\\/]native\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8')
      if (source.split(OWN_FILE).length !== 2) {
        return { errors: [{ text: `${path} does not say ${OWN_FILE} once: see how it finds its native part now` }] }
      }
      const contents = source.replace(OWN_FILE, `createRequire(import.meta.url).resolve('lmdb')`)
      return { contents: `import { createRequire } from 'node:module'\n${contents}`, resolveDir: dirname(path) }
    })
    builder.onResolve({ filter: /^node-gyp-build-optional-packages$/ }, () => ({
      path: join(import.meta.dirname, 'lmdb-loader.ts'),
    }))
    builder.onResolve({ filter: /^msgpackr$/ }, ({ path }) => ({ path, namespace: 'no-msgpackr' }))
    builder.onLoad({ filter: /^/, namespace: 'no-msgpackr' }, () => ({
      contents: `export class Encoder { constructor() { throw new Error('msgpackr is not in this bundle: name an encoding') } }`,
    }))
    // It evaluates code that names its variables; as a CommonJS module they keep their names.
    builder.onResolve({ filter: /^ordered-binary$/ }, ({ path, resolveDir, kind }) =>
      kind === 'require-call' ? undefined : builder.resolve(path, { resolveDir, kind: 'require-call' }),
    )
  },
}
