import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

// Bundled in place of `node-gyp-build-optional-packages`, and what lmdb calls to get its native part.

const { arch, platform, versions } = process

export default function load(folder: string): unknown {
  // Looks from where lmdb is installed, not from where the bundle is.
  const ofLmdb = createRequire(createRequire(import.meta.url).resolve('lmdb'))
  const found = platform === 'linux' && !hasMusl() ? forGlibc(ofLmdb) : undefined
  return found === undefined ? ofLmdb('node-gyp-build-optional-packages')(folder) : ofLmdb(found)
}

/**
 * The file that the loader would choose on most systems, without the modules with which it looks which system it is: they
 * cost each thread almost 1 MB.
 */
function forGlibc(ofLmdb: NodeJS.Require): string | undefined {
  const name = `@lmdb/lmdb-linux-${arch}/package.json`
  let folder: string
  try {
    folder = dirname(ofLmdb.resolve(name))
  } catch {
    // Not among the prebuilt ones, or left out by who installed it; the loader has other places.
    return undefined
  }
  const files = [`node.abi${versions.modules}.glibc.node`, 'node.napi.glibc.node']
  return files.map(file => join(folder, file)).find(existsSync)
}

function hasMusl(): boolean {
  return existsSync('/lib') && readdirSync('/lib').some(file => file.startsWith('ld-musl-'))
}
