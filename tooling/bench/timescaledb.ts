import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { loadConnector, resolveArchive, startConnectors } from '@pulsar-io/engine'
import type { BatchSink } from '@pulsar-io/sdk'
import { createSinkContext, records } from '@pulsar-io/testkit'
import pg from 'pg'
import { service } from '../services/index.ts'
import { ratios, spread } from './stats.ts'
import { BenchTopic } from './topic.ts'
import type { Bench, Figure } from './types.ts'

const ROWS = 300_000
const BATCH = 10_000
const COLUMNS = `time timestamptz NOT NULL, device text, temperature double precision, humidity numeric, ok boolean, note text`

/** Not the one that tests on the same server use. */
const POSITIONS = `bench_positions_${process.pid}`

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
 * The COPY path of the sink against `psql \copy` of the same rows into a table like it: a time series with the index
 * that a hypertable has, and both commit the same batches. `psql` has the rows as PostgreSQL reads them, the sink as decoded records; turning these into
 * text is part of what is measured. Then a topic through the engine, where reading the log and JSON comes on top.
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
  const files = await writeFiles(folder, rows)
  const topic = await BenchTopic.fill(
    folder,
    rows.map(row => Buffer.from(JSON.stringify(row))),
  )
  const direct = await directSink(root, place, rows)
  const engine = (guarantee: Guarantee) => timed(client, table => throughEngine(root, place, topic, table, guarantee))
  const all = {
    copy: () => timed(client, async table => void (await psqlCopy(psql, place, files, table))),
    direct: () => timed(client, table => direct(table, 'ATLEAST_ONCE')),
    directExactly: () => timed(client, table => direct(table, 'EFFECTIVELY_ONCE')),
    engine: () => engine('ATLEAST_ONCE'),
    engineExactly: () => engine('EFFECTIVELY_ONCE'),
  }
  const results: { readonly [name in keyof typeof all]: number[] } = {
    ...{ copy: [], direct: [], directExactly: [], engine: [], engineExactly: [] },
  }
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
  await client.query(`DROP TABLE IF EXISTS ${POSITIONS}`)
  await client.end()
  const figure = (name: string, value: number[], against: string, reference: number[], goal?: number): Figure => {
    const ratio = ratios(value, reference)
    return {
      name,
      unit: 'rows/s',
      value: spread(value),
      reference: { name: against, value: spread(reference), ratio },
      goal: goal === undefined ? 'for comparison' : `ratio ≥ ${goal}`,
      reached: ratio.median >= (goal ?? 0),
    }
  }
  const what = `PostgreSQL, 200 B records into 6 columns, batches of ${BATCH.toLocaleString('en-US')}`
  const once = 'the same, EFFECTIVELY_ONCE'
  return [
    figure(`decoded records → TimescaleDB sink → ${what}`, results.direct, 'psql \\copy', results.copy, 0.85),
    figure(once, results.directExactly, 'ATLEAST_ONCE', results.direct, 0.8),
    figure('embedded log, JSON → engine → the same sink', results.engine, 'psql \\copy', results.copy),
    figure(once, results.engineExactly, 'ATLEAST_ONCE', results.engine, 0.8),
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

/** The rows as PostgreSQL reads them, a file for each batch. */
async function writeFiles(folder: string, rows: readonly object[]): Promise<string[]> {
  const files: string[] = []
  for (let from = 0; from < rows.length; from += BATCH) {
    const file = join(folder, `rows-${from}.txt`)
    const lines = rows.slice(from, from + BATCH).map(row => `${Object.values(row).map(String).join('\t')}\n`)
    await writeFile(file, lines.join(''))
    files.push(file)
  }
  return files
}

async function psqlCopy(psql: string, place: Place, files: readonly string[], table: string): Promise<void> {
  const { host, port, user, password, database } = place
  const args = ['-X', '-q', '-h', host, '-p', String(port), '-U', user, '-d', database, '-v', 'ON_ERROR_STOP=1']
  const copies = files.flatMap(file => ['-c', `\\copy ${table} from '${file}'`])
  await promisify(execFile)(psql, [...args, ...copies], { env: { ...process.env, PGPASSWORD: password } })
}

let made = 0

function sinkConfig(place: Place, topic: BenchTopic, tableName: string, guarantee: Guarantee) {
  return {
    name: `timescaledb-${made++}`,
    inputs: [topic.name],
    sourceSubscriptionPosition: 'Earliest' as const,
    processingGuarantees: guarantee,
    configs: { connection: place, tableName, batchSize: BATCH, positionsTable: POSITIONS },
  }
}

async function throughEngine(root: string, place: Place, topic: BenchTopic, table: string, guarantee: Guarantee) {
  const config = { ...sinkConfig(place, topic, table, guarantee), archive: join(root, 'connectors', 'timescaledb.tgz') }
  const run = await startConnectors([{ kind: 'sink', config }], {
    messaging: { url: topic.url },
    log: () => undefined,
  })
  const start = performance.now()
  await topic.drained(`public/default/${config.name}`)
  const seconds = (performance.now() - start) / 1000
  const end = async () => {
    const { error } = await run.stop()
    if (error) throw error
  }
  return { seconds, end }
}

/** Gives what writes the rows with the sink of the archive, driven as the engine drives it, a batch after the other. */
async function directSink(root: string, place: Place, rows: readonly unknown[]) {
  const archive = await resolveArchive(join(root, 'connectors', 'timescaledb.tgz'))
  const definition = await loadConnector(archive, 'sink')
  const all = records(rows)
  const { signal } = new AbortController()
  return async (tableName: string, guarantee: Guarantee) => {
    const parsed = definition.parse({
      ...{ connection: place, tableName, batchSize: BATCH, positionsTable: POSITIONS },
    })
    if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join('; '))
    const sink = definition.create() as BatchSink
    await sink.open(parsed.config, createSinkContext({ guarantee, name: tableName }))
    const start = performance.now()
    for (let from = 0; from < all.length; from += BATCH) {
      const batch = all.slice(from, from + BATCH)
      const { topic = '', partition = 0, position } = batch.at(-1) ?? {}
      const checkpoint = guarantee === 'EFFECTIVELY_ONCE' && position ? [{ topic, partition, position }] : []
      const failed = (await sink.write(batch, { checkpoint, signal }))?.find(outcome => outcome !== undefined)
      if (failed) throw failed
    }
    const seconds = (performance.now() - start) / 1000
    await sink.close()
    return { seconds }
  }
}

/** Rows per second into a new table; `work` may say itself how long it took, and what is to be done after it. */
async function timed(
  client: pg.Client,
  work: (table: string) => Promise<{ seconds: number; end?: () => Promise<void> } | void>,
): Promise<number> {
  const table = await newTable(client)
  const begin = performance.now()
  const done = await work(table)
  const seconds = done?.seconds ?? (performance.now() - begin) / 1000
  await done?.end?.()
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
