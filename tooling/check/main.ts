import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkArrows } from './arrows.ts'
import { checkChangesets, checkConventions } from './conventions.ts'
import { checkDeclarations } from './declarations.ts'
import { checkPublished } from './published.ts'
import { publishedPackages } from './workspace.ts'

/** Checks every package that is published; prints every problem and returns the exit code. Needs `tsc -b` before. */
export async function main(): Promise<number> {
  const packages = await publishedPackages()
  const temp = await mkdtemp(join(tmpdir(), 'pulsar-io-check-'))
  try {
    const findings = [
      ...checkConventions(packages),
      ...(await checkArrows(packages)),
      ...(await checkChangesets(packages)),
      ...(await checkDeclarations(packages)),
      ...(await checkPublished(packages, temp)),
    ]
    for (const { where, problem } of findings) process.stderr.write(`${where}: ${problem}\n`)
    const verdict =
      findings.length === 0 ? 'no problem' : `${findings.length} problem${findings.length === 1 ? '' : 's'}`
    process.stdout.write(`${packages.length} packages checked, ${verdict}\n`)
    return findings.length === 0 ? 0 : 1
  } finally {
    await rm(temp, { recursive: true, force: true })
  }
}
