import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { main } from './main.ts'
import type { Home } from './project.ts'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))
// Beside the bundle in the published package, in the tooling of the repository.
const published = !import.meta.url.endsWith('.ts')
const templates = published ? at('../templates') : at('../../../tooling/templates')
const workspace = process.argv.includes('--workspace')

const home: Home = workspace
  ? { type: 'workspace', root: at('../../..') }
  : {
      type: 'alone',
      versions: JSON.parse(await readFile(`${templates}/versions.json`, 'utf8')) as { [name: string]: string },
      license: await readFile(`${templates}/LICENSE`, 'utf8'),
    }

process.exitCode = await main(
  process.argv.slice(2).filter(argument => argument !== '--workspace'),
  {
    templates,
    home,
    cwd: process.cwd(),
    print: text => void process.stdout.write(text),
    fail: text => void process.stderr.write(text),
  },
)
