import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openEmbedded } from '@pulsar-io/messaging-embedded'
import { memoryOf } from './memory.ts'
import { usageOf } from './process-tree.ts'
import { spread } from './stats.ts'
import type { Bench, BenchContext, Figure } from './types.ts'
import { WorkerProcess } from './worker-process.ts'

const COUNTS = [50, 100, 200]
/** Milliseconds between two records of a connector. */
const EVERY_MS = 5_000
/** Milliseconds that memory and processor are looked at. */
const WATCHED_MS = 60_000
/** Calls of each kind whose time is taken. */
const CALLS = 300
const SINKS = 'sinks/public/default'

interface Measured {
  readonly count: number
  readonly startSeconds: number
  readonly residentMB: readonly number[]
  /** Seconds of the processor per second. */
  readonly cpu: number
  readonly listMs: number
  readonly statusMs: number
}

/** Sinks in threads on one worker with the embedded log, a record each now and then: what they cost as their number grows. */
export const worker: Bench = async context => {
  const all: Measured[] = []
  for (const count of COUNTS) all.push(await measured(context, count))
  return all.flatMap(figures)
}

function figures({ count, startSeconds, residentMB, cpu, listMs, statusMs }: Measured): Figure[] {
  const last = count === COUNTS.at(-1)
  const figure = (name: string, unit: string, values: readonly number[], most: number): Figure => {
    const value = spread(values)
    const goal = last ? `≤ ${most.toLocaleString('en-US')} ${unit}` : 'for comparison'
    return { name: `worker with ${count} sinks: ${name}`, unit, value, goal, reached: !last || value.max <= most }
  }
  return [
    figure('resident memory', 'MB', residentMB, 2_500),
    figure('cold start until all run', 's', [startSeconds], 60),
    figure('list, p99', 'ms', [listMs], 100),
    figure('status, p99', 'ms', [statusMs], 100),
    { ...figure('processor', '% of a core', [cpu * 100], 100), goal: 'for comparison', reached: true },
  ]
}

async function measured({ root, folder }: BenchContext, count: number): Promise<Measured> {
  const home = join(folder, `worker-${count}`)
  await mkdir(home)
  const names = Array.from({ length: count }, (_, i) => `c${i}`)
  const log = ['--broker-service-url', `embedded:${join(home, 'log')}`]
  const first = new WorkerProcess(root, home, log)
  for (const name of names) await create(first, home, name)
  await first.end()
  const again = new WorkerProcess(root, home, log)
  const trickling = new AbortController()
  const trickle = publish(home, names, trickling.signal)
  try {
    const startSeconds = await allRun(again, names)
    const { pid = 0 } = again.child
    const [before, begin] = [usageOf(pid).cpuSeconds, performance.now()]
    const residentMB: number[] = []
    while (performance.now() - begin < WATCHED_MS) {
      residentMB.push(memoryOf(again.child).resident)
      await sleep(500)
    }
    const cpu = ((usageOf(pid).cpuSeconds - before) * 1000) / (performance.now() - begin)
    const listMs = await p99(() => again.call('GET', SINKS))
    const statusMs = await p99(i => again.call('GET', `${SINKS}/${names[i % count]}/status`))
    return { count, startSeconds, residentMB, cpu, listMs, statusMs }
  } finally {
    trickling.abort()
    await trickle
    await again.end()
  }
}

async function create(worker: WorkerProcess, home: string, name: string): Promise<void> {
  const configs = { path: join(home, `${name}.ndjson`) }
  await worker.call('POST', `${SINKS}/${name}`, { archive: 'builtin://file', inputs: [name], configs })
}

/** Seconds from the start of the process until all of them run. */
async function allRun(worker: WorkerProcess, names: readonly string[]): Promise<number> {
  for (const name of names) {
    for (;;) {
      const { numRunning } = (await worker.call('GET', `${SINKS}/${name}/status`)) as { numRunning: number }
      if (numRunning === 1) break
      if (performance.now() - worker.began > 300_000) throw new Error(`${name} does not run: ${worker.said}`)
      await sleep(100)
    }
  }
  return (performance.now() - worker.began) / 1000
}

/** One record to each topic in turn, until the signal aborts. */
async function publish(home: string, names: readonly string[], signal: AbortSignal): Promise<void> {
  const client = await openEmbedded({ directory: join(home, 'log') })
  const producers = await Promise.all(names.map(topic => client.createProducer({ topic })))
  for (let i = 0; !signal.aborted; i++) {
    await producers[i % producers.length]?.send([{ payload: Buffer.from(`{"n":${i}}`) }])
    await sleep(EVERY_MS / names.length)
  }
  await client.close()
}

/** Milliseconds that 99 of 100 calls take at most. */
async function p99(call: (i: number) => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < CALLS; i++) {
    const begin = performance.now()
    await call(i)
    times.push(performance.now() - begin)
  }
  times.sort((a, b) => a - b)
  return times[Math.ceil(times.length * 0.99) - 1] ?? 0
}
