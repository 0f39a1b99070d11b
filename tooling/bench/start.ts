import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ratios, spread } from './stats.ts'
import { BenchTopic, jsonRecords } from './topic.ts'
import type { Bench, BenchContext } from './types.ts'

/** A `runtime` that works, and what it has said. */
interface Runtime {
  readonly child: ChildProcess
  readonly said: () => string
}

/** From the start of the process to the first record in the file, against a Node that does nothing. */
export const start: Bench = async context => {
  const topic = await BenchTopic.fill(context.folder, jsonRecords(1, 1024))
  const [ours, bare]: [number[], number[]] = [[], []]
  for (let round = 0; round <= context.rounds; round++) {
    const first = await timeToFirstRecord(context, topic, round)
    const nothing = await timeOfNothing()
    // The first round fills the caches of archive and code and does not count.
    if (round === 0) continue
    ours.push(first)
    bare.push(nothing)
  }
  await topic.close()
  const value = spread(ours)
  return [
    {
      name: 'runtime --archive file.tgz, start to first record written',
      unit: 'ms',
      value,
      reference: { name: 'node -e 0', value: spread(bare), ratio: ratios(ours, bare) },
      goal: '≤ 500 ms',
      reached: value.median <= 500,
    },
  ]
}

/** Resident memory of a sink that works at full speed. */
export const memory: Bench = async context => {
  if (!existsSync('/proc/self/status')) return 'memory is read from /proc, which is not here'
  const records = 200_000
  const topic = await BenchTopic.fill(context.folder, jsonRecords(records, 1024))
  const [resident, own]: [number[], number[]] = [[], []]
  for (let round = 0; round < context.rounds; round++) {
    const program = runtime(context, topic, `memory-${round}`)
    let peak = { resident: 0, own: 0 }
    const drained = topic.drained(`public/default/memory-${round}`).then(() => true)
    while (!(await Promise.race([drained, sleep(50, false)]))) {
      const now = memoryOf(program.child)
      peak = { resident: Math.max(peak.resident, now.resident), own: Math.max(peak.own, now.own) }
    }
    await end(program)
    resident.push(peak.resident)
    own.push(peak.own)
  }
  await topic.close()
  const value = spread(resident)
  return [
    {
      name: 'file sink under load, peak resident memory',
      unit: 'MB',
      value,
      reference: { name: 'without the mapped log', value: spread(own), ratio: ratios(resident, own) },
      goal: '≤ 130 MB',
      reached: value.median <= 130,
    },
  ]
}

function runtime({ root, folder }: BenchContext, topic: BenchTopic, name: string): Runtime {
  const output = join(folder, `${name}.ndjson`)
  const child = spawn(
    process.execPath,
    [
      join(root, 'packages', 'runtime', 'bin', 'runtime.js'),
      ...['--archive', join(root, 'connectors', 'file.tgz'), '--kind', 'sink', '--name', name],
      ...['--inputs', topic.name, '--subs-position', 'Earliest', '--broker-service-url', topic.url],
      ...['--sink-config', JSON.stringify({ path: output }), '--log-level', 'warn'],
    ],
    { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  return { child, said: () => said }
}

async function timeToFirstRecord(context: BenchContext, topic: BenchTopic, round: number): Promise<number> {
  const name = `start-${round}`
  const output = join(context.folder, `${name}.ndjson`)
  const begin = performance.now()
  const program = runtime(context, topic, name)
  while (!existsSync(output) || statSync(output).size === 0) {
    if (program.child.exitCode !== null) throw new Error(`runtime ended: ${program.said()}`)
    await sleep(1)
  }
  const elapsed = performance.now() - begin
  await end(program)
  return elapsed
}

async function timeOfNothing(): Promise<number> {
  const begin = performance.now()
  await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit')
  return performance.now() - begin
}

async function end({ child, said }: Runtime): Promise<void> {
  if (child.exitCode !== null) throw new Error(`runtime ended by itself: ${said()}`)
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await exit
}

/** Megabytes (10^6 bytes): all that is resident, and that without pages of the log, which the system may drop at will. */
function memoryOf(child: ChildProcess): { resident: number; own: number } {
  let resident = 0
  let log = 0
  let inLog = false
  for (const line of readFileSync(`/proc/${child.pid}/smaps`, 'utf8').split('\n')) {
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) inLog = line.endsWith('.mdb')
    const kilobytes = Number(/^Rss:\s+(\d+) kB/.exec(line)?.[1] ?? 0)
    resident += kilobytes
    if (inLog) log += kilobytes
  }
  return { resident: (resident * 1024) / 1e6, own: ((resident - log) * 1024) / 1e6 }
}
