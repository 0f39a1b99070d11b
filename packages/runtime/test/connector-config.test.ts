import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Problem } from '@pulsar-io/sdk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ArchiveLookup } from '../src/config/archive-lookup.ts'
import { ConfigProblems } from '../src/config/config-problems.ts'
import { connectorFromFlags } from '../src/config/connector-config.ts'
import type { FlagValues } from '../src/flags/flag.ts'

const PROBE = fileURLToPath(new URL('./fixtures/probe', import.meta.url))

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'runtime-config-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

async function file(name: string, text: string): Promise<string> {
  const path = join(dir, name)
  await writeFile(path, text)
  return path
}

const build = (values: FlagValues, kind: 'sink' | 'source' = 'sink', before: readonly Problem[] = []) =>
  connectorFromFlags(kind, { archive: PROBE, ...values }, new ArchiveLookup({}), before)

async function refusal(values: FlagValues, ...before: readonly Problem[]): Promise<ConfigProblems> {
  const error = await build(values, 'sink', before).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof ConfigProblems) return error
  throw new Error(`expected ConfigProblems, got ${String(error)}`)
}

const inputs = ['orders']

describe('flags', () => {
  it('become fields; repeated inputs add up', async () => {
    const { spec } = await build({
      inputs: ['a,b', 'c'],
      sinkConfig: '{"path":"out"}',
      processingGuarantees: 'atleast_once',
      parallelism: '2',
      ram: '1000',
      retainOrdering: true,
      topicsPattern: undefined,
      secrets: '{"password":"${env:PW}"}',
    })
    expect(spec.config).toEqual({
      archive: PROBE,
      inputs: ['a', 'b', 'c'],
      configs: { path: 'out' },
      processingGuarantees: 'ATLEAST_ONCE',
      parallelism: 2,
      resources: { ram: 1000 },
      retainOrdering: true,
      secrets: { password: '${env:PW}' },
    })
  })

  it('overrule a file, and leave it alone where they are absent', async () => {
    const path = await file(
      'sink.yaml',
      'inputs: [from-file]\nmaxMessageRetries: 7\nparallelism: 3\nresources: {cpu: 2}\nconfigs:\n  path: out\n',
    )
    const { spec } = await build({ sinkConfigFile: path, parallelism: '1', ram: '5' })
    expect(spec.config).toMatchObject({
      inputs: ['from-file'],
      maxMessageRetries: 7,
      parallelism: 1,
      resources: { cpu: 2, ram: 5 },
      configs: { path: 'out' },
    })
  })

  it('make a source', async () => {
    const { spec } = await build({ destinationTopicName: 't', sourceConfig: '{"count":"3"}' }, 'source')
    expect(spec).toEqual({ kind: 'source', config: { archive: PROBE, topicName: 't', configs: { count: '3' } } })
  })
})

describe('shapes of a file', () => {
  it('reads bare options, JSON or YAML, whatever the file is called', async () => {
    const json = await file('netty_config', '{"path": "out", "flushEvery": "5"}')
    expect((await build({ inputs, sinkConfig: json })).spec.config.configs).toEqual({ path: 'out', flushEvery: '5' })
    const yaml = await file('options.yml', 'path: out\n')
    expect((await build({ inputs, sinkConfigFile: yaml })).spec.config.configs).toEqual({ path: 'out' })
  })

  it('passes over a byte order mark', async () => {
    const path = await file('bom.json', '\uFEFF{"path":"p"}')
    expect((await build({ inputs, sinkConfigFile: path })).spec.config.configs).toEqual({ path: 'p' })
  })

  it("reads Pulsar's shape, with and without configs", async () => {
    const whole = await file('whole.json', '{"inputs": ["x"], "configs": {"path": "out"}}')
    expect((await build({ sinkConfigFile: whole })).spec.config).toMatchObject({
      inputs: ['x'],
      configs: { path: 'out' },
    })
    const fields = await file('fields.json', '{"name": "n", "inputs": "x,y"}')
    const { spec } = await build({ sinkConfigFile: fields, sinkConfig: '{"path":"p"}' })
    expect(spec.config).toMatchObject({ name: 'n', inputs: ['x', 'y'], configs: { path: 'p' } })
  })

  it('points to options that stand beside the fields, and to a misspelt configs', async () => {
    const mixed = await file('mixed.yaml', 'inputs: [x]\npath: out\nconfig:\n  path: out\n')
    const { problems, notes } = await refusal({ sinkConfigFile: mixed })
    expect(problems).toEqual([
      { path: `${mixed}:2 path`, message: 'an option of the connector, not of SinkConfig; move it under configs' },
      { path: `${mixed}:3 config`, message: 'not an option; did you mean configs?' },
    ])
    expect(notes).toEqual([
      `${mixed} was read as a SinkConfig, because it has inputs; the connector's own options go under configs`,
    ])
  })
})

describe('problems', () => {
  it('come all at once, from flags, file and connector, each with its place', async () => {
    const path = await file('sink.json', '{\n  "pth": "out",\n  "flushEvery": 0\n}')
    const { problems, code } = await refusal({ sinkConfig: path, parallelism: 'many', subsPosition: 'Erliest' })
    expect(code).toBe('PIO_CONFIG')
    expect(problems).toEqual([
      { path: '--subs-position', message: 'must be one of Latest, Earliest, got "Erliest"; did you mean Earliest?' },
      { path: '--parallelism', message: 'must be a number, got "many"' },
      { path: 'inputs', message: expect.stringMatching(/^required: give --inputs/) },
      { path: `${path}:2 pth`, message: 'not an option; did you mean path?' },
      { path: `${path} path`, message: 'required: File to append to' },
      { path: `${path}:3 flushEvery`, message: 'must be at least 1, got 0' },
    ])
  })

  it.each([
    ['nope.json', undefined, /cannot read .*nope\.json: there is no such file/],
    ['bad.json', '{\n "a": 1,\n}', /bad\.json:3:1: not JSON/],
    ['bad.yaml', 'a: 1\nb: [1\n', /bad\.yaml:3:1: not YAML/],
    ['twice.yaml', 'path: 1\npath: 2\n', /twice\.yaml:2:1: not YAML: Map keys must be unique/],
    ['list.yaml', '- path: 1\n', /list\.yaml: must be an object.*runtime run -f/],
    ['two.yaml', 'path: 1\n---\npath: 2\n', /two\.yaml: has several documents/],
  ])('say where %s is wrong', async (name, text, expected) => {
    const path = text === undefined ? join(dir, name) : await file(name, text)
    expect((await refusal({ inputs, sinkConfigFile: path })).message).toMatch(expected)
  })

  it('say nothing of what a text that could not be read may hold, and all about the flags', async () => {
    const { problems } = await refusal({ sinkConfigFile: join(dir, 'nope.json'), parallelism: '0' })
    expect(problems.map(({ path }) => path)).toEqual(['--sink-config-file', '--parallelism'])
  })

  it('come once, and with how a file was read only where that helps', async () => {
    const { problems, notes } = await refusal(
      { inputs, sinkConfig: '{"path":"p"}', parallelism: '0' },
      { path: '--parallelism', message: 'must be at least 1, got 0' },
    )
    expect(problems).toEqual([{ path: '--parallelism', message: 'must be at least 1, got 0' }])
    expect(notes).toEqual([])
  })

  it('never show the value of a secret', async () => {
    const { message } = await refusal({ sinkConfig: '{"path":1,"password":["hunter2"]}' })
    expect(message).toMatch(/password: must be a text/)
    const broken = await refusal({ sinkConfig: '{"password": hunter2 }' })
    expect(broken.message).toMatch(/unexpected 'h'/)
    expect(broken.message).not.toMatch(/hunter2/)
    expect(message).not.toMatch(/hunter2/)
  })
})
