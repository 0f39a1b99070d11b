/** Writes the generated text of the documentation: `pnpm run docs`. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { generatedFiles } from './outputs.ts'

const root = join(import.meta.dirname, '..', '..')

for (const [path, text] of await generatedFiles(root)) {
  const file = join(root, path)
  if (text === (await current(file))) continue
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
  console.log(`wrote ${path}`)
}

async function current(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return undefined
  }
}
