import { dirname } from 'node:path'
import type { BuildOptions, Plugin } from 'esbuild'

// CommonJS code that is bundled into a module still asks for `require` of built-in modules, and for these two names.
const BANNER = [
  `import{createRequire as __pioCreateRequire}from'node:module'`,
  `import{fileURLToPath as __pioFileURLToPath}from'node:url'`,
  `const require=__pioCreateRequire(import.meta.url),__filename=__pioFileURLToPath(import.meta.url),__dirname=__pioFileURLToPath(new URL('.',import.meta.url))`,
].join(';')

/** How sources become few files for Node. Workspace packages are taken from their source, so nothing has to be built. */
export const nodeBundle = {
  platform: 'node',
  format: 'esm',
  target: 'node22',
  conditions: ['pulsar-io-source'],
  minifySyntax: true,
  minifyWhitespace: true,
  // Names stay, because they are in error messages and stacks. `keepNames` would keep them, too, but by a call at each
  // closure that is made, which takes longer than many a closure does; compression makes up for most of the size.
  minifyIdentifiers: false,
  // V8 holds a source that is not all Latin-1 with two bytes for each character, for as long as it runs.
  charset: 'ascii',
  legalComments: 'external',
  define: { 'process.env.NODE_ENV': '"production"' },
  banner: { js: `${BANNER};` },
  logLevel: 'silent',
} as const satisfies BuildOptions

/** Who imports zod as `{ z }` bundles all of it, half of which is translations of its messages; ours are in English. */
export const englishOnly: Plugin = {
  name: 'english-only',
  setup(builder) {
    builder.onLoad({ filter: /[\\/]zod[\\/]v4\/locales\/index\.js$/ }, ({ path }) => ({
      contents: "export { default as en } from './en.js'",
      resolveDir: dirname(path),
    }))
  },
}
