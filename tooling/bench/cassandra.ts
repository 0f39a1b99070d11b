import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startConnectors } from '@pulsar-io/engine'
import { Client, policies, types } from 'cassandra-driver'
import { service } from '../services/index.ts'
import { memoryOf } from './memory.ts'
import { ratios, spread } from './stats.ts'
import { BenchTopic, jsonRecords } from './topic.ts'
import type { Bench, BenchContext } from './types.ts'

const ROWS = 400_000
const CONCURRENCY = 128
const COLUMNS = ['id', 'name', 'active', 'score', 'tags', 'note'] as const
const DEFINITION = 'id int PRIMARY KEY, name text, active boolean, score double, tags frozen<list<text>>, note text'

type Row = { readonly [column in (typeof COLUMNS)[number]]: unknown }

/**
 * A topic into Cassandra through the engine, against a loop that does prepared statements, so many at a time. The loop
 * has its rows as objects before the clock begins; the sink reads them from the log, as JSON. The node writes no commit log here:
 * our own test server waits for the disk with each write, and the sink's topic is on that disk, too.
 */
export const cassandra: Bench = async context => {
  const { folder, rounds } = context
  const server = await service('cassandra')
  if (!server.available) return server.reason
  const client = connect(server.url)
  const keyspace = `bench_${process.pid}`
  await client.execute(
    `CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1} AND durable_writes = false`,
  )
  const payloads = jsonRecords(ROWS, 250)
  const rows = payloads.map(payload => JSON.parse(Buffer.from(payload).toString()) as Row)
  const topic = await BenchTopic.fill(folder, payloads)
  const results = { loop: [] as number[], atLeast: [] as number[], exactly: [] as number[] }
  const sink = (guarantee: Guarantee) =>
    timed(client, keyspace, (table, clock) => throughSink(context, server.url, topic, table, guarantee, clock))
  for (let round = 0; round <= rounds; round++) {
    const all = {
      loop: () => timed(client, keyspace, (table, clock) => plainLoop(server.url, table.join('.'), rows, clock)),
      atLeast: () => sink('ATLEAST_ONCE'),
      exactly: () => sink('EFFECTIVELY_ONCE'),
    }
    // Whoever goes later finds a warmer server, so they take turns.
    const names = Object.keys(all) as (keyof typeof all)[]
    for (const [i] of names.entries()) {
      const name = names[(i + round) % names.length] ?? 'loop'
      const speed = await all[name]()
      // The first round warms the server and does not count.
      if (round > 0) results[name].push(speed)
    }
  }
  const peaks: number[] = []
  for (let round = 0; round < rounds; round++)
    await timed(client, keyspace, async (table, clock) => {
      peaks.push(await peakMemory(context, server.url, topic, table, clock))
    })
  await topic.close()
  await client.execute(`DROP KEYSPACE ${keyspace}`)
  await client.shutdown()
  const loop = { name: 'loop of prepared statements', value: spread(results.loop) }
  const [atLeast, exactly] = [ratios(results.atLeast, results.loop), ratios(results.exactly, results.loop)]
  const between = ratios(results.exactly, results.atLeast)
  const unit = 'rows/s'
  const what = `embedded log → Cassandra sink, 250 B records into 6 columns, ${CONCURRENCY} at a time`
  return [
    {
      name: `${what}, ATLEAST_ONCE`,
      unit,
      value: spread(results.atLeast),
      reference: { ...loop, ratio: atLeast },
      goal: 'ratio ≥ 0.85',
      reached: atLeast.median >= 0.85,
    },
    {
      name: `${what}, EFFECTIVELY_ONCE`,
      unit,
      value: spread(results.exactly),
      reference: { ...loop, ratio: exactly },
      goal: 'ratio ≥ 0.85',
      reached: exactly.median >= 0.85,
    },
    {
      name: 'Cassandra sink, peak resident memory without the mapped log',
      unit: 'MB',
      value: spread(peaks),
      goal: '≤ 150 MB',
      reached: spread(peaks).median <= 150,
    },
    {
      name: 'the same, EFFECTIVELY_ONCE',
      unit,
      value: spread(results.exactly),
      reference: { name: 'ATLEAST_ONCE', value: spread(results.atLeast), ratio: between },
      goal: 'ratio ≥ 0.8',
      reached: between.median >= 0.8,
    },
  ]
}

function connect(url: string): Client {
  const loadBalancing = new policies.loadBalancing.RoundRobinPolicy()
  return new Client({
    contactPoints: [new URL(url).host],
    policies: { loadBalancing },
    queryOptions: { consistency: types.consistencies.localQuorum, isIdempotent: true, prepare: true },
    socketOptions: { readTimeout: 60_000 },
    monitorReporting: { enabled: false },
  })
}

async function plainLoop(url: string, table: string, rows: readonly Row[], clock: Clock): Promise<void> {
  const client = connect(url)
  await client.connect()
  const statement = `INSERT INTO ${table} (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})`
  let next = 0
  const work = async () => {
    for (let row = rows[next++]; row; row = rows[next++]) {
      const values = row
      await client.execute(
        statement,
        COLUMNS.map(column => values[column]),
        { prepare: true },
      )
    }
  }
  clock.begin()
  await Promise.all(Array.from({ length: CONCURRENCY }, work))
  clock.end()
  await client.shutdown()
}

type Guarantee = 'ATLEAST_ONCE' | 'EFFECTIVELY_ONCE'
type Table = readonly [keyspace: string, name: string]

const options = (url: string, [keyspace, columnFamily]: Table) => ({
  roots: new URL(url).host,
  keyspace,
  columnFamily,
  maxConcurrentRequests: CONCURRENCY,
})

async function throughSink(
  { root }: BenchContext,
  url: string,
  topic: BenchTopic,
  table: Table,
  processingGuarantees: Guarantee,
  clock: Clock,
): Promise<void> {
  const name = `cassandra-${table[1]}`
  const config = {
    name,
    archive: join(root, 'connectors', 'cassandra.tgz'),
    inputs: [topic.name],
    sourceSubscriptionPosition: 'Earliest' as const,
    processingGuarantees,
    configs: options(url, table),
  }
  const run = await startConnectors([{ kind: 'sink', config }], {
    messaging: { url: topic.url },
    log: () => undefined,
  })
  clock.begin()
  await topic.drained(`public/default/${name}`)
  clock.end()
  const { error } = await run.stop()
  if (error) throw error
}

/** Megabytes that the `runtime` command holds at most while it works off the topic, without the mapped log. */
async function peakMemory(
  { root, folder }: BenchContext,
  url: string,
  topic: BenchTopic,
  table: Table,
  clock: Clock,
): Promise<number> {
  const name = `cassandra-${table[1]}`
  const child = spawn(
    process.execPath,
    [
      join(root, 'packages', 'runtime', 'bin', 'runtime.js'),
      ...['--archive', join(root, 'connectors', 'cassandra.tgz'), '--name', name, '--inputs', topic.name],
      ...['--subs-position', 'Earliest', '--broker-service-url', topic.url],
      ...['--sink-config', JSON.stringify(options(url, table))],
    ],
    { cwd: folder, stdio: 'ignore' },
  )
  const ended = once(child, 'exit')
  await topic.subscribed(`public/default/${name}`)
  clock.begin()
  let peak = 0
  const done = topic.drained(`public/default/${name}`).then(() => true)
  while (!(await Promise.race([done, sleep(250, false)]))) peak = Math.max(peak, memoryOf(child).own)
  clock.end()
  child.kill('SIGTERM')
  await ended
  return peak
}

interface Clock {
  begin(): void
  end(): void
}

let tables = 0

/** Rows per second into a new table. The clock runs from `begin` to `end`. */
async function timed(
  client: Client,
  keyspace: string,
  work: (table: Table, clock: Clock) => Promise<void>,
): Promise<number> {
  const name = `t${tables++}`
  const table = `${keyspace}.${name}`
  await client.execute(`CREATE TABLE ${table} (${DEFINITION})`)
  const times = { begin: 0, end: 0 }
  await work([keyspace, name], {
    begin: () => {
      times.begin = performance.now()
    },
    end: () => {
      times.end = performance.now()
    },
  })
  const { rows } = await client.execute(`SELECT count(*) AS n FROM ${table}`)
  if (Number(rows[0]?.n) !== ROWS) throw new Error(`${table} has ${rows[0]?.n} of ${ROWS} rows`)
  await client.execute(`DROP TABLE ${table}`)
  return ROWS / ((times.end - times.begin) / 1000)
}
