import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { RuntimeProcess } from './runtime-process.ts'
import { ratios, spread } from './stats.ts'
import { BenchTopic, jsonRecords } from './topic.ts'
import type { Bench, BenchContext } from './types.ts'

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

async function timeToFirstRecord(context: BenchContext, topic: BenchTopic, round: number): Promise<number> {
  const name = `start-${round}`
  const begin = performance.now()
  const program = new RuntimeProcess(context, topic, name)
  while (!existsSync(program.output) || statSync(program.output).size === 0) {
    program.check()
    await sleep(1)
  }
  const elapsed = performance.now() - begin
  await program.end()
  return elapsed
}

async function timeOfNothing(): Promise<number> {
  const begin = performance.now()
  await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit')
  return performance.now() - begin
}
