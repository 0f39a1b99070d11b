import { describe, expect, it } from 'vitest'
import { importsOf } from './arrows.ts'
import { changesetPackages, checkConventions } from './conventions.ts'
import { linesWithAny } from './declarations.ts'
import { ROOT, type WorkspacePackage } from './workspace.ts'

describe('package checks', () => {
  it('see every form of import', () => {
    const source = [
      `import type { A } from '@pulsar-io/sdk'`,
      `export * from "./b.ts"`,
      `import './side.ts'`,
      `const c = await import('@pulsar-io/engine')`,
      `import {\n  d,\n} from '@pulsar-io/schema'`,
    ].join('\n')
    expect(importsOf(source)).toEqual([
      '@pulsar-io/sdk',
      './b.ts',
      './side.ts',
      '@pulsar-io/engine',
      '@pulsar-io/schema',
    ])
  })

  it('see the type any, and not the word', () => {
    const declarations = [
      '/** any of them',
      ' * any */',
      'export declare const a: any',
      'export declare function b(any: string, c?: string): void // any',
      "export type D = 'any' | Array<any>",
      'export declare const e: (x: any[]) => Company',
      'export declare const f: typeof AbortSignal.any',
    ]
    expect(linesWithAny(declarations.join('\n'))).toEqual([3, 5, 6])
  })

  it('read the packages of a changeset', () => {
    const text = `---\n'@pulsar-io/sdk': minor\n"@pulsar-io/engine": patch\n---\n\nText: with a colon.\n`
    expect(changesetPackages(text)).toEqual(['@pulsar-io/sdk', '@pulsar-io/engine'])
  })

  it('ask for one name everywhere, a README and the level of the SDK', () => {
    const odd: WorkspacePackage = {
      kind: 'connector',
      folder: 'odd',
      dir: `${ROOT}/connectors/odd`,
      json: {
        name: '@pulsar-io/connector-other',
        license: 'MIT',
        pulsarIo: { apiLevel: 9 },
        dependencies: { zod: '^4' },
      },
    }
    const problems = checkConventions([odd]).map(({ problem }) => problem)
    for (const words of [
      '@pulsar-io/connector-odd',
      'README.md',
      'Apache-2.0',
      'description',
      'apiLevel is 9',
      'zod',
    ]) {
      expect(
        problems.some(problem => problem.includes(words)),
        words,
      ).toBe(true)
    }
  })
})
