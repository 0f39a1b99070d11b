import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { packConnector } from '../pack/pack-connector.ts'

/** A shell example of a document, and what it says that comes out. */
export interface ShellExample {
  /** Line of the fence, from 1. */
  readonly line: number
  readonly script: string
  /** The `text output` block right behind it. */
  readonly output: string | undefined
}

/** The blocks fenced as `sh run`, each with the block fenced as `text output` behind it, if there is one. */
export function shellExamples(markdown: string): readonly ShellExample[] {
  const examples: ShellExample[] = []
  for (const match of markdown.matchAll(/^```sh run\n([\s\S]*?)^```\n(?:\n+```text output\n([\s\S]*?)^```$)?/gm)) {
    const line = markdown.slice(0, match.index).split('\n').length
    examples.push({ line, script: match[1] ?? '', output: match[2] })
  }
  return examples
}

/** A folder as a reader of the README has it: archives in `connectors`, `runtime` on the PATH, no repository around. */
export class ExampleFolder {
  readonly #folder: string
  readonly #bin: string

  private constructor(folder: string, bin: string) {
    this.#folder = folder
    this.#bin = bin
  }

  /** Packs the connectors `names` of the repository `root` into a new temporary folder. */
  static async create(root: string, names: readonly string[]): Promise<ExampleFolder> {
    const folder = await mkdtemp(join(tmpdir(), 'pulsar-io-docs-'))
    const [bin, connectors] = [join(folder, '.bin'), join(folder, 'connectors')]
    await mkdir(bin)
    await mkdir(connectors)
    for (const name of names) await packConnector(join(root, 'connectors', name), join(connectors, `${name}.tgz`))
    const cli = join(root, 'packages', 'runtime', 'src', 'cli.ts')
    const shim = `#!/bin/sh\nexec "${process.execPath}" --conditions=pulsar-io-source "${cli}" "$@"\n`
    for (const name of ['runtime', 'pulsar-io']) {
      await writeFile(join(bin, name), shim)
      await chmod(join(bin, name), 0o755)
    }
    await writeFile(join(bin, 'npx'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 })
    return new ExampleFolder(folder, bin)
  }

  /** Absolute path. */
  get path(): string {
    return this.#folder
  }

  /** Runs a script and resolves with what it wrote to stdout. @throws when it fails, with what it wrote to stderr. */
  async run(script: string): Promise<string> {
    const env = { ...process.env, PATH: [this.#bin, process.env.PATH].join(delimiter), NODE_OPTIONS: '' }
    const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], { cwd: this.#folder, env })
    return stdout
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}
