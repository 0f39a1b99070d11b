import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../services/command.ts'

/** The newest that was used here; with it come the versions of what it needs, as of the same day. */
const VERSIONS = ['schemathesis==4.32.5', 'hypothesis==6.170.15', 'jsonschema_rs==0.60.3', 'requests==2.34.2']

/**
 * What is not asked of a worker. A configuration that fits its schema may still name a topic, an archive or an instance
 * that is not there, which is a 400 in Pulsar's words. `QUERY` is a 400 of the server, before any route. Paths overlap,
 * as Pulsar's do: `/builtinsinks/x/schema` may also be the sink `schema` of a tenant `builtinsinks`, and `Allow` says so.
 */
const LEFT_OUT = ['positive_data_acceptance', 'unsupported_method', 'allow_header_conformance']

/** How what breaks the document is refused: 413 is a form of too many fields, too, which schemathesis does not know. */
const REFUSALS = ['400', '401', '403', '404', '405', '409', '413', '415', '429']

/** What it finds by itself only rarely: words that lead somewhere, and how often to use them. */
const WORDS: { readonly [parameter: string]: readonly [values: readonly string[], probability: number] } = {
  'path.tenant': [['public'], 0.9],
  'path.namespace': [['default'], 0.9],
  'path.name': [['sink', 'source', 'other', 'probe'], 0.9],
  'path.instanceId': [['0', '1'], 0.8],
  'body.archive': [['builtin://probe'], 0.9],
  'body.sinkConfig.archive': [['builtin://probe'], 0.9],
  'body.sourceConfig.archive': [['builtin://probe'], 0.9],
  'body.topicName': [['in'], 0.8],
}

/** A Python in a folder of its own, with nothing but schemathesis. Returns its command. */
export async function installSchemathesis(folder: string): Promise<string> {
  await run('python3', ['-m', 'venv', folder])
  const python = join(folder, 'bin/python')
  await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...VERSIONS])
  return join(folder, 'bin/schemathesis')
}

/** How a worker is fuzzed. */
export interface FuzzOptions {
  readonly url: string
  readonly token: string | undefined
  readonly seconds: number
  readonly seed: number
  /** For its configuration and its database. */
  readonly folder: string
}

/** Sends what the OpenAPI document allows, and what it does not. Returns what it has to complain of; empty: nothing. */
export async function fuzz(command: string, options: FuzzOptions): Promise<string> {
  const { url, token, seconds, seed, folder } = options
  await writeFile(join(folder, 'schemathesis.toml'), configuration())
  const args = [
    ...['--config-file', 'schemathesis.toml', 'run', `${url}/openapi.json`, '--no-color', '--continue-on-failure'],
    ...['--checks', 'all', '--exclude-checks', LEFT_OUT.join(','), '--phases', 'coverage,fuzzing,stateful'],
    ...['--max-time', String(seconds), '--seed', String(seed), '--warnings', 'off'],
    ...(token === undefined ? [] : ['--header', `Authorization:Bearer ${token}`]),
  ]
  const child = spawn(command, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const [code] = await once(child, 'close')
  console.log(said.slice(said.lastIndexOf('= SUMMARY =')).trim())
  return code === 0 ? '' : said
}

function configuration(): string {
  const names = Object.keys(WORDS)
  const dictionaries = names.map((name, i) => `[dictionaries.d${i}]\nvalues = ${JSON.stringify(WORDS[name]?.[0])}`)
  const bound = names.map(
    (name, i) => `${JSON.stringify(name)} = { dictionary = "d${i}", probability = ${WORDS[name]?.[1]} }`,
  )
  const checks = `[checks.negative_data_rejection]\nexpected-statuses = ${JSON.stringify(REFUSALS)}`
  return [...dictionaries, '[parameters]', ...bound, checks, ''].join('\n')
}
