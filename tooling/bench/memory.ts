import type { ChildProcess } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RuntimeProcess } from './runtime-process.ts'
import { ratios, spread } from './stats.ts'
import { BenchTopic, jsonRecords } from './topic.ts'
import type { Bench, BenchContext, Figure } from './types.ts'

const RECORDS = 200_000
const PER_SECOND = 20_000

/** Resident memory of a sink that keeps up with what comes in, and of one that works off what has waited. */
export const memory: Bench = async context => {
  if (!existsSync('/proc/self/smaps')) return 'memory is read from /proc, which is not here'
  return [await steady(context), await backlog(context)]
}

/** Records come in while the sink runs; acknowledged ones make room in the log. */
async function steady(context: BenchContext): Promise<Figure> {
  const records = jsonRecords(RECORDS, 1024)
  const peaks: Memory[] = []
  for (let round = 0; round < context.rounds; round++) {
    const topic = await BenchTopic.empty(join(context.folder, `steady-${round}`))
    const program = new RuntimeProcess(context, topic, `steady-${round}`)
    const subscription = `public/default/steady-${round}`
    await topic.subscribed(subscription)
    const done = topic.publish(records, PER_SECOND).then(() => topic.drained(subscription))
    peaks.push(await peakUntil(program, done))
    await program.end()
    await topic.close()
  }
  const { value, reference } = figures(peaks)
  return {
    name: `file sink, ${PER_SECOND.toLocaleString('en-US')} records/s coming in, peak resident memory`,
    unit: 'MB',
    value,
    reference,
    goal: '≤ 130 MB',
    reached: value.median <= 130,
  }
}

/** All records wait when the sink starts. */
async function backlog(context: BenchContext): Promise<Figure> {
  const topic = await BenchTopic.fill(join(context.folder, 'backlog'), jsonRecords(RECORDS, 1024))
  const peaks: Memory[] = []
  for (let round = 0; round < context.rounds; round++) {
    const program = new RuntimeProcess(context, topic, `backlog-${round}`)
    peaks.push(await peakUntil(program, topic.drained(`public/default/backlog-${round}`)))
    await program.end()
  }
  await topic.close()
  const { value, reference } = figures(peaks)
  return {
    name: `file sink, backlog of ${RECORDS.toLocaleString('en-US')} records, peak resident memory`,
    unit: 'MB',
    value,
    reference,
    goal: 'without the log ≤ 130 MB',
    reached: reference.value.median <= 130,
  }
}

async function peakUntil(program: RuntimeProcess, done: Promise<void>): Promise<Memory> {
  let peak: Memory = { resident: 0, own: 0 }
  const finished = done.then(() => true)
  while (!(await Promise.race([finished, sleep(50, false)]))) {
    program.check()
    const now = memoryOf(program.child)
    peak = { resident: Math.max(peak.resident, now.resident), own: Math.max(peak.own, now.own) }
  }
  return peak
}

function figures(peaks: readonly Memory[]) {
  const resident = peaks.map(peak => peak.resident)
  const own = peaks.map(peak => peak.own)
  return {
    value: spread(resident),
    reference: { name: 'without the mapped log', value: spread(own), ratio: ratios(resident, own) },
  }
}

interface Memory {
  /** Megabytes (10^6 bytes) that are resident. */
  readonly resident: number
  /** The same without pages of the log, which the system may drop at will. */
  readonly own: number
}

/** What a process holds now, by Linux. */
export function memoryOf(child: ChildProcess): Memory {
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
