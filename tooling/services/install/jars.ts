import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** The paths of the jars directly in a folder, in a fixed order. */
export async function jarsIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter(name => name.endsWith('.jar'))
  return names.sort().map(name => join(folder, name))
}
