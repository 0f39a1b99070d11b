import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const SOURCES = ['packages/*/src/**/*.ts', 'packages/*/bin/*.js', 'connectors/*/src/**/*.ts']

/** Every error code in the sources, sorted. */
export async function codesInSources(root: string): Promise<readonly string[]> {
  const codes = new Set<string>()
  for await (const file of glob(SOURCES, { cwd: root })) {
    for (const [, code = ''] of (await readFile(join(root, file), 'utf8')).matchAll(CODE_LITERAL)) codes.add(code)
  }
  return [...codes].sort()
}

/** A code as a literal or inside a message; not a constant's name or the beginning of one such as `PIO_ARCHIVE_`. */
const CODE_LITERAL = /\b(PIO_[A-Z0-9]+(?:_[A-Z0-9]+)*)\b(?!_)/g

/** A section of docs/errors.md. */
export interface ErrorSection {
  readonly code: string
  readonly body: string
}

/** The sections of docs/errors.md in their order. */
export function errorSections(markdown: string): readonly ErrorSection[] {
  return markdown
    .split(/^## /m)
    .slice(1)
    .map(section => {
      const [heading = '', ...body] = section.split('\n')
      return { code: heading.replaceAll('`', '').trim(), body: body.join('\n').trim() }
    })
}
