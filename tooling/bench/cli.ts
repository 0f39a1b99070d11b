/** `pnpm bench [name…]`: measures, prints a table and writes `bench-results.json`. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { archives } from './archives.ts'
import { cassandra } from './cassandra.ts'
import { elasticsearch } from './elasticsearch.ts'
import { java } from './java.ts'
import { javaSinks } from './java-sinks.ts'
import { kafka } from './kafka.ts'
import { log } from './log.ts'
import { memory } from './memory.ts'
import { netty } from './netty.ts'
import { pulsar } from './pulsar.ts'
import { pulsarEngine } from './pulsar-engine.ts'
import { rabbitmq } from './rabbitmq.ts'
import { start } from './start.ts'
import { timescaledb } from './timescaledb.ts'
import type { Bench, Figure, Spread } from './types.ts'
import { worker } from './worker.ts'
import { workerCreate } from './worker-create.ts'

const benches: { readonly [name: string]: Bench } = {
  log,
  elasticsearch,
  kafka,
  rabbitmq,
  cassandra,
  timescaledb,
  netty,
  start,
  memory,
  archives,
  pulsar,
  'pulsar-engine': pulsarEngine,
  java,
  'java-sinks': javaSinks,
  worker,
  'worker-create': workerCreate,
}

const root = join(import.meta.dirname, '..', '..')

const USAGE = `Usage: pnpm bench [name…] [--rounds n]

Names: ${Object.keys(benches).join(', ')} (default: all)
Rounds: 5 at least; each gives one number, and one more goes first to warm up.
Build and pack first: pnpm build && pnpm pack:connectors
`

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { rounds: { type: 'string', default: '5' }, help: { type: 'boolean', short: 'h' } },
  })
  const rounds = Number(values.rounds)
  const unknown = positionals.filter(name => !Object.hasOwn(benches, name))
  if (values.help || unknown.length > 0 || !Number.isInteger(rounds) || rounds < 5) {
    console.log(unknown.length > 0 ? `unknown: ${unknown.join(', ')}\n\n${USAGE}` : USAGE)
    return values.help ? 0 : 2
  }
  const figures: Figure[] = []
  for (const name of positionals.length > 0 ? positionals : Object.keys(benches)) {
    const result = await measure(name, rounds)
    if (typeof result === 'string') console.error(`${name}: not measured: ${result}`)
    else figures.push(...result)
  }
  console.log(table(figures))
  const [cpu] = cpus()
  const machine = {
    cpu: cpu?.model,
    cores: availableParallelism(),
    memoryGB: Math.round(totalmem() / 1e9),
    node: process.version,
  }
  const results = { date: new Date().toISOString(), rounds, machine, figures }
  await writeFile(join(root, 'bench-results.json'), `${JSON.stringify(results, null, 2)}\n`)
  return figures.every(figure => figure.reached) ? 0 : 1
}

async function measure(name: string, rounds: number): Promise<readonly Figure[] | string> {
  const bench = benches[name]
  if (!bench) throw new Error(`no benchmark ${name}`)
  const folder = await mkdtemp(join(tmpdir(), 'pulsar-io-bench-'))
  try {
    return await bench({ root, folder, rounds })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function table(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, unit, value, reference, goal, reached }) => [
    name,
    `${numbers(value)} ${unit}`,
    reference ? `${reference.name}: ${numbers(reference.value)}` : '',
    reference ? numbers(reference.ratio) : '',
    `${goal} ${reached ? '✓' : '✗'}`,
  ])
  const header = ['what', 'min / median / max', 'against', 'ratio', 'goal']
  return [header, header.map(() => '---'), ...rows].map(row => `| ${row.join(' | ')} |`).join('\n')
}

function numbers({ min, median, max }: Spread): string {
  const digits = max < 10 ? 2 : 0
  const format = new Intl.NumberFormat('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
  return min === max ? format.format(median) : [min, median, max].map(value => format.format(value)).join(' / ')
}

process.exitCode = await main(process.argv.slice(2))
