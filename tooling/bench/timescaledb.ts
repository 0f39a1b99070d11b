import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { startConnectors } from '@pulsar-io/engine'
import pg from 'pg'
import { service } from '../services/index.ts'
import { ratios, spread } from './stats.ts'
import { BenchTopic } from './topic.ts'
import type { Bench, Figure } from './types.ts'

const ROWS = 300_000
const BATCH = 5000
const COLUMNS = `time timestamptz NOT NULL, device text, temperature double precision, humidity numeric, ok boolean, note text`

type Guarantee = 'ATLEAST_ONCE' | 'EFFECTIVELY_ONCE'

/** Where the server is, in words that `pg`, `psql` and the sink share. */
interface Place {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

/**
 * A topic into PostgreSQL through the engine, against `psql \copy` of the same rows into a table like it: a time series
 * with the index that a hypertable has. `psql` gets the rows as PostgreSQL reads them; the sink reads them from the log,
 * as JSON.
 */
export const timescaledb: Bench = async ({ root, folder, rounds }) => {
  const server = await service('postgresql')
  if (!server.available) return server.reason
  const { hostname: host, port } = new URL(server.url)
  const { username: user = 'postgres', password = '' } = server.credentials ?? {}
  const place: Place = { host, port: Number(port), user, password, database: 'postgres' }
  const psql = await findPsql()
  if (psql === undefined) return 'psql is missing; on Debian: apt-get install postgresql-client'
  const client = new pg.Client(place)
  await client.connect()
  const rows = timeSeries(ROWS)
  const file = join(folder, 'rows.txt')
  await writeFile(file, rows.map(row => `${Object.values(row).map(String).join('\t')}\n`).join(''))
  const topic = await BenchTopic.fill(
    folder,
    rows.map(row => Buffer.from(JSON.stringify(row))),
  )
  const sink = (guarantee: Guarantee) => timed(client, table => throughSink(root, place, topic, table, guarantee))
  const all = {
    copy: () => timed(client, async table => void (await psqlCopy(psql, place, file, table))),
    atLeast: () => sink('ATLEAST_ONCE'),
    exactly: () => sink('EFFECTIVELY_ONCE'),
  }
  const results: { readonly [name in keyof typeof all]: number[] } = { copy: [], atLeast: [], exactly: [] }
  const names = Object.keys(all) as (keyof typeof all)[]
  for (let round = 0; round <= rounds; round++) {
    // Whoever goes later finds a warmer server, so they take turns.
    for (const [i] of names.entries()) {
      const name = names[(i + round) % names.length] ?? 'copy'
      const speed = await all[name]()
      // The first round warms the server and does not count.
      if (round > 0) results[name].push(speed)
    }
  }
  const memory = await peakMemory(root, folder, place, topic, client, rounds)
  await topic.close()
  await client.query('DROP TABLE IF EXISTS pulsar_io_positions')
  await client.end()
  const toCopy = ratios(results.atLeast, results.copy)
  const between = ratios(results.exactly, results.atLeast)
  const what = `embedded log → TimescaleDB sink on PostgreSQL, 200 B records into 6 columns, batches of ${BATCH}`
  return [
    {
      name: `${what}, ATLEAST_ONCE`,
      unit: 'rows/s',
      value: spread(results.atLeast),
      reference: { name: 'psql \\copy', value: spread(results.copy), ratio: toCopy },
      goal: 'ratio ≥ 0.85',
      reached: toCopy.median >= 0.85,
    },
    {
      name: 'the same, EFFECTIVELY_ONCE',
      unit: 'rows/s',
      value: spread(results.exactly),
      reference: { name: 'ATLEAST_ONCE', value: spread(results.atLeast), ratio: between },
      goal: 'ratio ≥ 0.8',
      reached: between.median >= 0.8,
    },
    memory,
  ]
}

function timeSeries(count: number) {
  const begin = Date.UTC(2026, 0, 1)
  return Array.from({ length: count }, (_, i) => ({
    time: new Date(begin + i * 250).toISOString(),
    device: `sensor-${i % 500}`,
    temperature: 20 + Math.sin(i / 100) * 5,
    humidity: `${40 + (i % 300) / 10}`,
    ok: i % 97 !== 0,
    note: `reading ${i} of ${'abcdefghij'.repeat(5)}`,
  }))
}

async function findPsql(): Promise<string | undefined> {
  const versions = [18, 17, 16, 15, 14]
  for (const candidate of ['psql', ...versions.map(version => `/usr/lib/postgresql/${version}/bin/psql`)]) {
    const child = spawn(candidate, ['--version'], { stdio: 'ignore' })
    try {
      const [code] = await once(child, 'exit')
      if (code === 0) return candidate
    } catch {
      // Not here; the next one.
    }
  }
  return undefined
}

async function psqlCopy(psql: string, place: Place, file: string, table: string): Promise<void> {
  const { host, port, user, password, database } = place
  const args = ['-X', '-q', '-h', host, '-p', String(port), '-U', user, '-d', database, '-v', 'ON_ERROR_STOP=1']
  const env = { ...process.env, PGPASSWORD: password }
  await promisify(execFile)(psql, [...args, '-c', `\\copy ${table} from '${file}'`], { env })
}

let made = 0

function sinkConfig(place: Place, topic: BenchTopic, tableName: string, guarantee: Guarantee) {
  return {
    name: `timescaledb-${made++}`,
    inputs: [topic.name],
    sourceSubscriptionPosition: 'Earliest' as const,
    processingGuarantees: guarantee,
    configs: { connection: place, tableName, batchSize: BATCH },
  }
}

async function throughSink(root: string, place: Place, topic: BenchTopic, table: string, guarantee: Guarantee) {
  const config = { ...sinkConfig(place, topic, table, guarantee), archive: join(root, 'connectors', 'timescaledb.tgz') }
  const run = await startConnectors([{ kind: 'sink', config }], { messaging: { url: topic.url }, log: () => undefined })
  const start = performance.now()
  await topic.drained(`public/default/${config.name}`)
  return { start, end: () => run.stop() }
}

/** Rows per second into a new table; `work` may say when the clock began, and what is to be done after it. */
async function timed(
  client: pg.Client,
  work: (table: string) => Promise<{ start: number; end: () => Promise<{ error?: Error | undefined }> } | void>,
): Promise<number> {
  const table = await newTable(client)
  const begin = performance.now()
  const more = await work(table)
  const seconds = (performance.now() - (more?.start ?? begin)) / 1000
  const ended = await more?.end()
  if (ended?.error) throw ended.error
  await checkAndDrop(client, table)
  return ROWS / seconds
}

async function newTable(client: pg.Client): Promise<string> {
  const table = `bench_${process.pid}_${made++}`
  await client.query(`CREATE TABLE ${table} (${COLUMNS}); CREATE INDEX ON ${table} (time DESC); CHECKPOINT`)
  return table
}

async function checkAndDrop(client: pg.Client, table: string): Promise<void> {
  const { rows } = await client.query<{ readonly n: number }>(`SELECT count(*)::integer AS n FROM ${table}`)
  if (rows[0]?.n !== ROWS) throw new Error(`${table} has ${rows[0]?.n} of ${ROWS} rows`)
  await client.query(`DROP TABLE ${table}`)
}

/** What the whole command takes while it works off everything, without the pages of the log. */
async function peakMemory(
  root: string,
  folder: string,
  place: Place,
  topic: BenchTopic,
  client: pg.Client,
  rounds: number,
): Promise<Figure> {
  const peaks: number[] = []
  for (let round = 0; round < rounds; round++) {
    const table = await newTable(client)
    const { name, inputs, configs } = sinkConfig(place, topic, table, 'EFFECTIVELY_ONCE')
    const args = [
      ...['--archive', join(root, 'connectors', 'timescaledb.tgz'), '--name', name, '--inputs', inputs.join(',')],
      ...['--subs-position', 'Earliest', '--broker-service-url', topic.url, '--log-level', 'warn'],
      ...['--processing-guarantees', 'EFFECTIVELY_ONCE', '--sink-config', JSON.stringify(configs)],
    ]
    const runtime = join(root, 'packages', 'runtime', 'bin', 'runtime.js')
    const child = spawn(process.execPath, [runtime, ...args], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
    const exit = once(child, 'exit')
    let peak = 0
    const done = topic.drained(`public/default/${name}`).then(() => true)
    while (!(await Promise.race([done, sleep(50, false)]))) {
      if (child.exitCode !== null) throw new Error('the runtime ended by itself')
      peak = Math.max(peak, ownMemory(child.pid))
    }
    child.kill('SIGTERM')
    await exit
    await checkAndDrop(client, table)
    peaks.push(peak)
  }
  const value = spread(peaks)
  return {
    name: `TimescaleDB sink working off ${ROWS.toLocaleString('en-US')} records, peak memory without the mapped log`,
    unit: 'MB',
    value,
    goal: '≤ 200 MB',
    reached: value.median <= 200,
  }
}

/** Megabytes that are resident and belong to the process alone; 0 where the system does not say. */
function ownMemory(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const kilobytes = [...status.matchAll(/^Rss(?:Anon|Shmem):\s+(\d+) kB/gm)].map(([, n]) => Number(n))
    return (kilobytes.reduce((sum, n) => sum + n, 0) * 1024) / 1e6
  } catch {
    return 0 // it has just ended, or there is no /proc here
  }
}
