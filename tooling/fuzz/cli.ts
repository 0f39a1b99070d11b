/**
 * `pnpm fuzz --seconds 180 --seed 7`: sends a worker what its OpenAPI document allows and what it does not, once without
 * authentication and once with tokens. Needs python3 with venv, and PyPI.
 */
import { randomInt } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { probe } from '../../packages/worker/test/support.ts'
import { fuzz, installSchemathesis } from './schemathesis.ts'
import { type FuzzedWorker, startFuzzedWorker } from './worker.ts'

/** Milliseconds between looks whether what is to be fuzzed is still there: some requests delete it. */
const AGAIN_MS = 200

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '180' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
  },
})
const folder = await mkdtemp(join(tmpdir(), 'pio-fuzz-'))
try {
  const command = await installSchemathesis(join(folder, 'venv'))
  for (const secured of [false, true]) {
    const complaints = await round(command, join(folder, secured ? 'secured' : 'open'), secured)
    for (const complaint of complaints) console.error(complaint)
    if (complaints.length > 0) process.exitCode = 1
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}

/** Fuzzes one worker. Returns what is wrong with it. */
async function round(command: string, home: string, secured: boolean): Promise<readonly string[]> {
  await mkdir(join(home, 'connectors'), { recursive: true })
  await writeFile(join(home, 'connectors/probe.tgz'), probe())
  const worker = await startFuzzedWorker(home, secured)
  const url = worker.url
  const seed = Number(values.seed)
  console.log(`${secured ? 'a worker with tokens' : 'a worker without authentication'}, --seed ${seed}`)
  const again = setInterval(() => void create(worker, home), AGAIN_MS)
  let found: string
  try {
    found = await fuzz(command, { url, token: worker.token, seconds: Number(values.seconds), seed, folder: home })
  } finally {
    clearInterval(again)
    await worker.end()
  }
  console.log('answers by status:', worker.answers())
  const uploads = await readdir(join(home, 'work/uploads'))
  return [
    ...(found === '' ? [] : [found]),
    ...(worker.errors().length === 0 ? [] : [`it logged:\n${worker.errors().join('\n')}`]),
    ...(uploads.length === 0 ? [] : [`uploads were left behind: ${uploads.join(', ')}`]),
  ]
}

/** A sink and a source of two instances, so that there is something to ask about. */
async function create({ url, token }: FuzzedWorker, home: string): Promise<void> {
  const common = { archive: 'builtin://probe', parallelism: 2, configs: { file: join(home, 'out') } }
  for (const [path, place] of [
    ['sinks/public/default/sink', { inputs: ['in'] }],
    ['sources/public/default/source', { topicName: 'in' }],
  ] as const) {
    const headers = {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    }
    const body = JSON.stringify({ ...common, ...place })
    // 400 where it is there already; a worker that is gone is noticed at its end.
    await fetch(`${url}/admin/v3/${path}`, { method: 'POST', headers, body }).catch(() => undefined)
  }
}
