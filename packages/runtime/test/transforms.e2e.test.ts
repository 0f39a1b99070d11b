import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cli, PROBE } from './cli.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'runtime-transforms-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const LINES = '{"id":1,"phone":"030 123456","ssn":"x"}\n{"id":2,"phone":"?"}\n{"id":3,"phone":"030 123457"}\n'
const run = (...more: string[]) =>
  cli(dir, [
    'sinks',
    'localrun',
    '--archive',
    PROBE,
    '--subs-position',
    'Earliest',
    '--exit-when-idle',
    '500ms',
    ...more,
  ])

describe('--transform', () => {
  it('changes, filters and dead-letters, from flags', async () => {
    await cli(dir, ['topics', 'produce', 'customers'], LINES)
    const ended = await run(
      ...['--inputs', 'customers', '--sink-config', '{"path":"out"}', '--transform', 'filter:id < 3'],
      ...['--transform', '{"phone":{"fields":"phone","country":"DE"}}', '--transform', 'drop:ssn,absent'],
    )
    expect(ended.code).toBe(0)
    expect(await readFile(join(dir, 'out'), 'utf8')).toBe('{"id":1,"phone":"+4930123456"}\n')
    expect(ended.stderr).toMatch(
      /^3 records in, 1 records out, 1 dead-lettered, 0 retried, 1 filtered, [\d.]+ seconds$/m,
    )
  })

  it('takes them from a file, with a salt from the secrets', async () => {
    await cli(dir, ['topics', 'produce', 'customers'], '{"email":"a@b.c"}\n')
    await writeFile(join(dir, 'salt'), 'pepper\n')
    await writeFile(
      join(dir, 'sink.yaml'),
      'inputs: [customers]\nconfigs: { path: out }\nsecrets: { salt: "${file:salt}" }\ntransforms:\n  - hash: { fields: email, secret: salt }\n',
    )
    const ended = await run('--sink-config-file', 'sink.yaml')
    expect(ended.code).toBe(0)
    expect(await readFile(join(dir, 'out'), 'utf8')).toMatch(/^\{"email":"[0-9a-f]{64}"\}\n$/)
  })

  it('says everything that is wrong with them before it starts, with the place', async () => {
    const flags = await run(
      ...['--inputs', 'customers', '--sink-config', '{"path":"out"}'],
      ...['--transform', 'dorp:a', '--transform', 'cast:age=number'],
    )
    expect(flags.code).toBe(2)
    expect(flags.stderr).toMatch(/--transform \[0\]: no transform "dorp"; .*did you mean drop\?/)
    expect(flags.stderr).toMatch(/--transform \[1\]\.age: must be one of/)
    await writeFile(
      join(dir, 'sink.yaml'),
      'inputs: [t]\nconfigs: { path: out }\ntransforms:\n  - drop: a\n  - filter: "a >"\n',
    )
    const file = await run('--sink-config-file', 'sink.yaml')
    expect(file.code).toBe(2)
    expect(file.stderr).toMatch(/sink\.yaml:5 transforms\[1\]\.filter: not JSONata/)
  })

  it('is what the warning about a Java function points to', async () => {
    await cli(dir, ['topics', 'produce', 'customers'], '{}\n')
    const ended = await run('--inputs', 'customers', '--sink-config', '{"path":"out"}', '--transform-function', 'x.nar')
    expect(ended.stderr).toMatch(/transformFunction has no effect here: .*--transform/)
  })
})
