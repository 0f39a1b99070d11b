import type { Plugin } from 'esbuild'

/**
 * What commander imports of Node, without what that brings along at every start: the module `node:process` reads every
 * property of `process`, standard input included, and `node:child_process`, for commands that are programs of their own,
 * of which there are none here, brings sockets.
 */
const BUILT_IN: { readonly [name: string]: string } = {
  'node:process': 'export default globalThis.process',
  'node:child_process': `export default { spawn: (...args) => process.getBuiltinModule('node:child_process').spawn(...args) }`,
}

/** Bundles commander with {@link BUILT_IN} in place of Node's modules of these names. */
export const bundledCommander: Plugin = {
  name: 'commander',
  setup(builder) {
    builder.onResolve({ filter: /^node:/ }, ({ path, importer }) =>
      path in BUILT_IN && /[\\/]commander[\\/]lib[\\/]/.test(importer)
        ? { path, namespace: 'for-commander' }
        : undefined,
    )
    builder.onLoad({ filter: /^/, namespace: 'for-commander' }, ({ path }) => ({ contents: BUILT_IN[path] ?? '' }))
  },
}
