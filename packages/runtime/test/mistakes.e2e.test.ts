import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cli, PROBE } from './cli.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'runtime-mistakes-'))
  await writeFile(join(dir, 'file'), '')
  // The probe without its sink.
  await mkdir(join(dir, 'only-source'))
  const manifest = JSON.parse(await readFile(join(PROBE, 'package.json'), 'utf8')) as object
  await writeFile(join(dir, 'only-source', 'package.json'), JSON.stringify({ ...manifest, exports: './index.ts' }))
  await writeFile(
    join(dir, 'only-source', 'index.ts'),
    `export { probeSource } from ${JSON.stringify(join(PROBE, 'index.ts'))}`,
  )
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const sink = (options: object, ...more: string[]) => [
  'sinks',
  'localrun',
  '--archive',
  PROBE,
  '--inputs',
  'orders',
  '--sink-config',
  JSON.stringify(options),
  ...more,
]

/** What an operator does wrong → the exit code, and what the message has to say. */
const MISTAKES: readonly (readonly [string, () => string[], number, readonly RegExp[]])[] = [
  ['unknown command', () => ['conectors', 'list'], 2, [/unknown command 'conectors'; did you mean connectors\?/]],
  [
    'misspelt folder of connectors',
    () => ['connectors', 'list', '--connectors-dir', './only-sourec'],
    2,
    [/--connectors-dir: there is no folder .*only-sourec; did you mean only-source\?/],
  ],
  ['folder of connectors that is a file', () => ['connectors', 'list', '--connectors-dir', 'file'], 2, [/is a file/]],
  [
    'archive that is not fit to be published',
    () => ['connectors', 'validate', PROBE],
    3,
    [/things are not as they should be \[PIO_ARCHIVE_LINT\]/, /README\.md: is missing/, /LICENSE: is missing/],
  ],
  ['argument too many', () => ['run', 'p.yaml'], 2, [/unexpected argument 'p.yaml'; a pipeline file is given with -f/]],
  [
    'unknown flag',
    () => ['--archive', PROBE, '--inptus', 'x'],
    2,
    [/unknown option '--inptus'; did you mean --inputs\?/],
  ],
  ['misspelt option', () => sink({ pth: 'x' }), 2, [/--sink-config pth: not an option; did you mean path\?/]],
  ['missing option', () => sink({}), 2, [/path: required: File to append to/]],
  [
    'three wrong options',
    () => sink({ pth: 'x', flushEvery: 'often', open: 'oak' }),
    2,
    [/pth: not an option/, /flushEvery: must be a number/, /open: must be one of .*did you mean ok\?/],
  ],
  ['wrong type', () => sink({ path: 7 }), 2, [/path: must be a text, got a number/]],
  ['misspelt value of a flag', () => sink({ path: 'x' }, '--subs-position', 'Erliest'), 2, [/did you mean Earliest\?/]],
  [
    'promise that the sink cannot keep',
    () => sink({ path: 'x' }, '--processing-guarantees', 'EFFECTIVELY_ONCE'),
    2,
    [/--processing-guarantees: the probe sink cannot keep EFFECTIVELY_ONCE/],
  ],
  [
    'unreachable system',
    () => sink({ path: 'x', open: 'unreachable' }),
    4,
    [/does not answer \[PIO_CONNECTION\]/, /^0 records in, .* seconds$/m],
  ],
  ['wrong password', () => sink({ path: 'x', open: 'refused' }), 2, [/wrong password for user probe \[PIO_AUTH\]/]],
  ['broken connector', () => sink({ path: 'x', open: 'broken' }), 1, [/please report it/, /a bug in the probe/]],
  ['no archive there', () => ['--archive', 'nope.tgz', '--inputs', 'x'], 3, [/nope\.tgz: there is no such file/]],
  [
    'archive of the wrong kind',
    () => ['--archive', 'only-source', '--inputs', 'x'],
    3,
    [/only-source: probe is a source, not a sink/],
  ],
  ['archive of both kinds', () => ['--archive', PROBE], 2, [/--kind sink or --kind source/]],
  [
    'data directory that is a file',
    () => sink({ path: 'x' }, '--data-dir', 'file'),
    2,
    [/cannot use .*file: it .*\[PIO_EMBEDDED_DIRECTORY\]/],
  ],
  ['topic that is not there', () => ['topics', 'consume', 'nothing'], 2, [/there is no topic nothing/]],
  ['empty path', () => ['sinks', 'localrun', '--archive', PROBE, '--sink-config', ''], 2, [/--sink-config: is empty/]],
  [
    'broker of another kind',
    () => ['topics', 'list', '--broker-service-url', 'amqp://x:5672'],
    2,
    [/--broker-service-url: "amqp:\/\/x:5672" is not a messaging address; use embedded:DIR/],
  ],
  [
    'no broker there',
    () => ['topics', 'consume', 't', '--broker-service-url', 'pulsar://127.0.0.1:9'],
    4,
    [/127\.0\.0\.1:9.*ECONNREFUSED/],
  ],
]

describe('mistakes', () => {
  it.each(MISTAKES)('%s', async (_, args, code, messages) => {
    const ended = await cli(dir, args())
    expect(ended.stderr).toMatch(/^error: /)
    for (const message of messages) expect(ended.stderr).toMatch(message)
    expect(ended.code).toBe(code)
    // stdout is for results.
    expect(ended.stdout).toBe('')
  })
})
