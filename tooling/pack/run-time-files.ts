import { createHash } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, extname, resolve } from 'node:path'
import type { Loader, Plugin } from 'esbuild'

/** A file that bundled code reads when it runs, by its path inside the package. */
export interface RunTimeFile {
  readonly bytes: Uint8Array
  /** Absolute path. */
  readonly source: string
}

/** `new URL('./codec.wasm', import.meta.url)`: how a module says that it reads a file beside it. */
const REFERENCE = /\bnew\s+URL\(\s*(['"`])(\.{1,2}\/[^'"`$]+)\1\s*,\s*import\.meta\.url\s*\)/g

/** What `new URL` is also used for, and what bundling has to take another way. */
const CODE = new Set(['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'])
const LOADERS: { readonly [extension: string]: Loader } = { '.js': 'js', '.mjs': 'js', '.cjs': 'js' }

/**
 * Carries along the files that packages read at run time, such as `.wasm`. A bundle is in another place than the modules
 * it was made of, so what they say of files beside them would be wrong in it: each file goes beside the bundle under a
 * name of its own, and the module says that one.
 *
 * @param found filled with the files, by their path inside the package
 */
export function carryRunTimeFiles(found: Map<string, RunTimeFile>): Plugin {
  return {
    name: 'carry-run-time-files',
    setup(builder) {
      builder.onLoad({ filter: /[\\/]node_modules[\\/].*\.[cm]?js$/ }, async ({ path }) => {
        const text = await readFile(path, 'utf8')
        if (!text.includes('import.meta.url')) return undefined
        const files = new Map<string, string>()
        for (const [, , reference = ''] of text.matchAll(REFERENCE)) {
          const source = resolve(path, '..', decodeURI(reference))
          // Code would need a bundle of its own, and what is not there is not read either.
          if (CODE.has(extname(source)) || !existsSync(source) || !statSync(source).isFile()) continue
          const bytes = await readFile(source)
          const name = nameOf(source, bytes)
          found.set(`dist/${name}`, { bytes, source })
          files.set(reference, name)
        }
        if (files.size === 0) return undefined
        const contents = text.replace(REFERENCE, (whole, _quote: string, reference: string) => {
          const name = files.get(reference)
          return name === undefined ? whole : `new URL('./${name}',import.meta.url)`
        })
        return {
          contents,
          loader: LOADERS[extname(path)] ?? 'js',
          watchFiles: [...found.values()].map(({ source }) => source),
        }
      })
    },
  }
}

/** Two packages may have files of the same name, so the content is in it. */
function nameOf(source: string, bytes: Uint8Array): string {
  const sum = createHash('sha256').update(bytes).digest('hex').slice(0, 8)
  const extension = extname(source)
  return `${basename(source, extension)}-${sum}${extension}`
}
