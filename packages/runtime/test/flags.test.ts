import { sinkConfigSchema, sourceConfigSchema } from '@pulsar-io/engine'
import { configJsonSchema, type Problem } from '@pulsar-io/sdk'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { normalizeArguments, runsConnectors } from '../src/arguments.ts'
import { FLAGS_OF } from '../src/config/connector-config.ts'
import { INERT_HEADING } from '../src/flags/flag.ts'
import { localOptions } from '../src/flags/run-options.ts'
import { buildProgram } from '../src/program.ts'

/** What pulsar-admin's CmdSinks and CmdSources take for `localrun`, older spellings included. */
const COMMON = `--tenant --namespace --name --processing-guarantees --processingGuarantees --parallelism -a --archive
  --classname --className --cpu --ram --disk --custom-runtime-options --secrets --log-topic --runtime-flags
  --state-storage-service-url --broker-service-url --brokerServiceUrl --client-auth-plugin --clientAuthPlugin
  --client-auth-params --clientAuthParams --use-tls --use_tls --tls-allow-insecure --tls_allow_insecure
  --hostname-verification-enabled --hostname_verification_enabled --tls-trust-cert-path --tls_trust_cert_path
  --secrets-provider-classname --secrets-provider-config --metrics-port-start`
const SINK = `-t --sink-type --cleanup-subscription -i --inputs --topics-pattern --topicsPattern --subs-name --subsName
  --subs-position --custom-serde-inputs --customSerdeInputs --custom-schema-inputs --input-specs --max-redeliver-count
  --dead-letter-topic --retain-ordering --retainOrdering --retain-key-ordering --sink-config-file --sinkConfigFile
  --sink-config --sinkConfig --auto-ack --timeout-ms --negative-ack-redelivery-delay-ms --transform-function
  --transform-function-classname --transform-function-config --logLevel`
const SOURCE = `-t --source-type --destination-topic-name -o --destinationTopicName --producer-config --batch-builder
  --deserialization-classname --deserializationClassName --schema-type --source-config-file --sourceConfigFile
  --source-config --sourceConfig --batch-source-config`

function find(path: string): Command {
  const found = path
    .split(' ')
    .reduce<Command | undefined>(
      (command, name) => command?.commands.find(each => each.name() === name),
      buildProgram().command,
    )
  if (!found) throw new Error(`no command ${path}`)
  return found
}

describe('localrun', () => {
  it.each([
    ['sinks localrun', `${COMMON} ${SINK}`],
    ['sources localrun', `${COMMON} ${SOURCE}`],
  ])('of %s has every flag of pulsar-admin', (path, wanted) => {
    const has = new Set(find(path).options.flatMap(option => [option.short, option.long]))
    expect(wanted.split(/\s+/).filter(flag => !has.has(flag))).toEqual([])
  })

  it('hides the older spellings, which set the same', async () => {
    const command = find('sinks localrun')
    const shown = command
      .createHelp()
      .visibleOptions(command)
      .map(option => option.long)
    expect(shown).not.toContain('--topicsPattern')
    command.exitOverride().action(() => undefined)
    await command.parseAsync(['--topicsPattern', 'a.*', '--className', 'x', '--logLevel', 'warn'], { from: 'user' })
    expect(command.opts()).toMatchObject({ topicsPattern: 'a.*', classname: 'x', logLevel: 'warn' })
  })

  it('sets fields that there are', () => {
    for (const [kind, schema] of [
      ['sink', sinkConfigSchema],
      ['source', sourceConfigSchema],
    ] as const) {
      const fields = Object.keys(schema.shape)
      const set = FLAGS_OF[kind].flatMap(group => group.flags).flatMap(flag => flag.field?.split('.')[0] ?? [])
      expect(set.filter(field => !fields.includes(field))).toEqual([])
    }
  })
})

describe('create and update', () => {
  const LOCAL = /^--(state-storage|broker-?service|use[-_]tls|secrets-provider|metrics-port)/i
  const remote = (flags: string) => flags.split(/\s+/).filter(flag => !LOCAL.test(flag))

  it.each([
    ['sinks create', `${COMMON} ${SINK}`],
    ['sinks update', `${COMMON} ${SINK} --update-auth-data`],
    ['sources create', `${COMMON} ${SOURCE}`],
    ['sources update', `${COMMON} ${SOURCE} --update-auth-data`],
  ])('of %s have every flag of pulsar-admin, and none of a local run', (path, wanted) => {
    const has = new Set(find(path).options.flatMap(option => [option.short, option.long]))
    expect(remote(wanted).filter(flag => !has.has(flag))).toEqual([])
    expect([...has].filter(flag => flag && LOCAL.test(flag))).toEqual([])
  })

  it('know each worker by its address, however it is spelt', async () => {
    for (const spelling of ['--admin-url', '--web-service-url', '--webServiceUrl']) {
      const command = find('sinks list')
      command.exitOverride().action(() => undefined)
      await command.parseAsync([spelling, 'http://x:1'], { from: 'user' })
      expect(command.opts()).toEqual({ adminUrl: 'http://x:1' })
    }
  })

  it.each(['delete', 'get', 'status', 'start', 'stop', 'restart'])('%s has the flags of pulsar-admin', name => {
    for (const kind of ['sinks', 'sources']) {
      const has = find(`${kind} ${name}`).options.map(option => option.long)
      const instance = ['delete', 'get'].includes(name) ? [] : ['--instance-id']
      expect(has).toEqual(expect.arrayContaining(['--tenant', '--namespace', '--name', ...instance]))
    }
  })
})

describe('flags without effect', () => {
  it.each([
    ['sink', sinkConfigSchema],
    ['source', sourceConfigSchema],
  ] as const)('of a %s stand under a heading of their own', (kind, schema) => {
    const properties = configJsonSchema(schema).properties as {
      [field: string]: { inert?: string; properties?: object }
    }
    const isInert = (field = '') => {
      const [outer = '', inner] = field.split('.')
      const found = properties[outer]
      const nested = inner === undefined ? found : (found?.properties as typeof properties | undefined)?.[inner]
      return nested?.inert !== undefined
    }
    for (const { heading, flags } of FLAGS_OF[kind]) {
      for (const { field, flags: name } of flags) {
        expect([name, isInert(field)]).toEqual([name, heading === INERT_HEADING])
      }
    }
  })
})

describe('normalizeArguments', () => {
  it('takes help as a word', () => {
    expect(normalizeArguments(['help', 'topics', 'produce'])).toEqual(['topics', 'produce', '--help'])
  })

  it('sees localrun in a bare flag, and --schema-type in -st', () => {
    expect(normalizeArguments(['--archive', 'a', '-st', 'json'])).toEqual([
      'localrun',
      '--archive',
      'a',
      '--schema-type',
      'json',
    ])
    expect(normalizeArguments(['--help'])).toEqual(['--help'])
    expect(normalizeArguments(['topics', 'list'])).toEqual(['topics', 'list'])
  })
})

describe('localOptions', () => {
  it('reads durations, sizes and numbers', () => {
    const problems: Problem[] = []
    const options = localOptions(
      {
        drainTimeout: '2s',
        stuckTimeout: '0s',
        exitWhenIdle: '500ms',
        batchBytes: '5MiB',
        batchSize: '10',
        dataDir: 'd',
        failFast: false,
        metricsPort: '0',
      },
      problems,
    )
    expect(problems).toEqual([])
    expect(options).toEqual({
      engine: {
        messaging: { url: 'embedded:d' },
        drainTimeoutMs: 2000,
        restart: { stuckAfterMs: 0 },
        exitWhenIdleMs: 500,
        failFast: false,
        batch: { maxBytes: 5 * 1024 * 1024, maxRecords: 10 },
      },
      logLevel: undefined,
      logFormat: undefined,
      metricsPort: 0,
    })
  })

  it('asks for the native driver only where there is a cluster', () => {
    const problems: Problem[] = []
    const asked = localOptions({ messaging: 'native', brokerServiceUrl: 'pulsar://broker:6650' }, problems)
    expect(problems).toEqual([])
    expect(asked.engine.messaging).toEqual({ url: 'pulsar://broker:6650', driver: 'native' })
    localOptions({ messaging: 'native', dataDir: 'd' }, problems)
    expect(problems).toEqual([{ path: '--messaging', message: expect.stringContaining('native needs the address') }])
  })

  it('lists everything that is wrong', () => {
    const problems: Problem[] = []
    localOptions({ drainTimeout: 'soon', isolation: 'thred', metricsPort: '70000', messaging: 'native' }, problems)
    expect(problems.map(({ path }) => path).sort()).toEqual([
      '--drain-timeout',
      '--isolation',
      '--messaging',
      '--metrics-port',
    ])
    expect(problems.find(({ path }) => path === '--isolation')?.message).toMatch(/did you mean thread\?/)
  })
})

describe('a tree for one command line', () => {
  it('has the flags of the commands that it names, by alias, too', () => {
    const flags = (words: readonly string[], path: readonly string[]) => {
      let command: Command | undefined = buildProgram({ words }).command
      for (const name of path) command = command?.commands.find(each => each.name() === name)
      return command?.options.length ?? 0
    }
    expect(flags(['sinks', 'localrun', '--inputs', 'a'], ['sinks', 'localrun'])).toBeGreaterThan(50)
    expect(flags(['sinks', 'getstatus'], ['sinks', 'status'])).toBeGreaterThan(5)
    expect(flags(['sinks', 'localrun'], ['sinks', 'create'])).toBe(0)
  })
})

describe('a thread ahead of its instance', () => {
  it.each([
    [true, '--archive a.tgz --inputs t'],
    [true, 'sinks localrun --archive a.tgz'],
    [true, 'source localrun --archive a.tgz --parallelism 2'],
    [true, 'run -f pipeline.yaml'],
    [false, '--archive a.tgz --isolation process'],
    [false, '--archive a.tgz --isolation=inline'],
    [false, 'sinks localrun --help'],
    [false, 'run -f pipeline.yaml --dry-run'],
    [false, 'run -f pipeline.yaml --validate-only'],
    [false, 'sinks create --archive a.tgz'],
    [false, 'worker'],
    [false, '--help'],
    [false, ''],
  ])('is started: %s, for runtime %s', (wanted, line) => {
    expect(runsConnectors(normalizeArguments(line.split(' ').filter(word => word !== '')))).toBe(wanted)
  })
})
