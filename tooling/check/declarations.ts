import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Finding, filesBelow, shown, type WorkspacePackage } from './workspace.ts'

/** Comments and texts, in which the word may stand. */
const NOT_TYPES = /\/\*[\s\S]*?\*\/|\/\/.*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g

/** Lines of the emitted declarations of `packages/` that let `any` out. Needs `tsc -b` before. */
export async function checkDeclarations(packages: readonly WorkspacePackage[]): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const each of packages.filter(({ kind }) => kind === 'package')) {
    const files = await filesBelow(join(each.dir, 'dist'), '.d.ts')
    if (files.length === 0)
      findings.push({ where: shown(each.dir), problem: 'has no declarations; run pnpm build first' })
    for (const file of files) {
      for (const line of linesWithAny(await readFile(file, 'utf8'))) {
        findings.push({
          where: `${shown(file)}:${line}`,
          problem: 'the type any gets out; name the type, or use unknown',
        })
      }
    }
  }
  return findings
}

/** Numbers of the lines, from 1, that have the type `any`. */
export function linesWithAny(source: string): number[] {
  const types = source.replace(NOT_TYPES, text => text.replace(/[^\n]/g, ' '))
  const lines: number[] = []
  types.split('\n').forEach((line, index) => {
    if (/(?<![\w$.])any(?![\w$(?:]|\s*:)/.test(line)) lines.push(index + 1)
  })
  return lines
}
