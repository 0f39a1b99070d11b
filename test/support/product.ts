import { exec } from 'node:child_process'
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join, resolve } from 'node:path'
import { withLock } from '../../tooling/services/lock.ts'
import { RUN_VARIABLE } from '../../tooling/services/run.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const STATE = join(ROOT, 'node_modules/.cache/pulsar-io-tests')
const CONNECTORS = join(ROOT, 'connectors')

/** What a user has: the command and the archives, made from the source as it is now. */
export interface Product {
  /** The script behind the `runtime` command. */
  readonly command: string
  /** Folder of extracted archives, so that every start but the first finds them. */
  readonly cache: string
  /** Copies the archives to `folder`, as `<name>.tgz`. */
  copyArchives(folder: string): Promise<void>
}

/**
 * Builds and packs, once in a test run: a test of the built command must neither pass on an old one nor fail for want
 * of a new one. Both steps find out by themselves that there is nothing to do.
 *
 * @throws with the output of the step that failed
 */
async function prepare(): Promise<Product> {
  await withLock(STATE, 'product', async () => {
    const stamp = join(STATE, 'prepared')
    const run = process.env[RUN_VARIABLE]
    if (run !== undefined && (await readFile(stamp, 'utf8').catch(() => '')) === run) return
    await script('build')
    await script('pack:connectors')
    await writeFile(stamp, run ?? '')
  })
  return {
    command: join(ROOT, 'packages/runtime/bin/runtime.js'),
    cache: join(STATE, 'cache'),
    async copyArchives(folder) {
      await mkdir(folder, { recursive: true })
      const archives = (await readdir(CONNECTORS)).filter(name => name.endsWith('.tgz'))
      await Promise.all(archives.map(name => copyFile(join(CONNECTORS, name), join(folder, name))))
    },
  }
}

/** Runs a script of the root package.json with the Node of this process. */
async function script(name: string): Promise<void> {
  const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: { readonly [name: string]: string }
  }
  const line = scripts[name]
  if (line === undefined) throw new Error(`package.json has no script ${name}`)
  const path = [join(ROOT, 'node_modules/.bin'), dirname(process.execPath), process.env.PATH ?? ''].join(delimiter)
  await new Promise<void>((done, fail) => {
    exec(line, { cwd: ROOT, env: { ...process.env, PATH: path } }, (error, stdout, stderr) => {
      if (error)
        fail(new Error(`\`${line}\` failed, so there is nothing to test:\n${stdout}${stderr || error.message}`))
      else done()
    })
  })
}

export const product = await prepare()
