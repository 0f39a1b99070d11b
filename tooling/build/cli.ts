/** Compiles every package and connector that has a tsconfig.json, so that a new one needs no list. */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')
const projects = globSync(['packages/*/tsconfig.json', 'connectors/*/tsconfig.json'], { cwd: root }).sort()
const tsc = createRequire(resolve(root, 'package.json'))
  .resolve('typescript/package.json')
  .replace(/package\.json$/, 'bin/tsc')
const { status, error } = spawnSync(process.execPath, [tsc, '-b', ...projects], { cwd: root, stdio: 'inherit' })
if (error !== undefined) throw error
process.exitCode = status ?? 1
