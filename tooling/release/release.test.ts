import { describe, expect, it } from 'vitest'
import { describePlan } from './main.ts'
import { planOf } from './plan.ts'

const packages = [
  { kind: 'connector', folder: 'file', json: { name: '@pulsar-io/connector-file' } },
  { kind: 'package', folder: 'sdk', json: { name: '@pulsar-io/sdk' } },
  { kind: 'package', folder: 'engine', json: { name: '@pulsar-io/engine' } },
] as const

const release = (name: string, type: string, changesets: readonly string[]) => ({
  name,
  type,
  oldVersion: '1.0.0',
  newVersion: '1.1.0',
  changesets,
})

describe('the plan of a release', () => {
  it('shows what is published, how, and what users are told', () => {
    const plan = planOf(
      {
        changesets: [{ id: 'x', summary: 'Reads CSV.\nAnd more.' }],
        releases: [
          release('@pulsar-io/connector-file', 'minor', ['x']),
          release('@pulsar-io/sdk', 'patch', []),
          release('@pulsar-io/engine', 'none', []),
        ],
      },
      packages,
    )
    expect(describePlan(plan)).toBe(`@pulsar-io/sdk  1.0.0 → 1.1.0  (patch)
    $ pnpm --dir packages/sdk publish --access public --no-git-checks
@pulsar-io/connector-file  1.0.0 → 1.1.0  (minor)
    Reads CSV.
    And more.
    $ npm publish connectors/file.tgz --access public
`)
  })

  it('refuses changesets for what is not published', () => {
    const status = { changesets: [], releases: [release('a', 'minor', []), release('b', 'minor', [])] }
    expect(() => planOf(status, packages)).toThrow('a, b')
  })
})
