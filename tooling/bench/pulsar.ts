import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { python, service } from '../services/index.ts'
import { ratios, spread } from './stats.ts'
import type { Bench, Figure } from './types.ts'

const COUNT = 500_000
const CLIENT = 'pulsar-client==3.13.0'

const runFile = promisify(execFile)

interface Measured {
  readonly ms: number
  readonly cpuMs: number
}

interface Round {
  readonly produce: Measured
  readonly consume: Measured
}

/**
 * The client for Pulsar against the Python client, whose core is C++: 1 KB messages in batches of 1000, one topic,
 * cumulative acknowledgements, taking turns on the same broker.
 */
export const pulsar: Bench = async ({ rounds }) => {
  const broker = await service('pulsar')
  if (!broker.available) return broker.reason
  const interpreter = await python(CLIENT)
  if (!interpreter.available) return interpreter.reason
  const own: Round[] = []
  const peer: Round[] = []
  for (let round = 0; round <= rounds; round++) {
    const program = join(import.meta.dirname, 'pulsar-own.ts')
    const theirs = await measure(
      interpreter.command,
      [join(import.meta.dirname, 'pulsar-peer.py')],
      broker.url,
      interpreter.env,
    )
    const ours = await measure(process.execPath, ['--conditions=pulsar-io-source', program], broker.url, {})
    // The first round warms broker and disk and does not count.
    if (round === 0) continue
    own.push(ours)
    peer.push(theirs)
  }
  return [
    ...figures('published', own, peer, round => round.produce, 2),
    ...figures('received', own, peer, round => round.consume, 1),
  ]
}

async function measure(
  command: string,
  args: readonly string[],
  url: string,
  env: Readonly<Record<string, string>>,
): Promise<Round> {
  const topic = `persistent://public/default/bench-${randomBytes(6).toString('hex')}`
  const { stdout } = await runFile(command, [...args, url, topic, String(COUNT)], { env: { ...process.env, ...env } })
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Round
}

function figures(
  what: string,
  own: readonly Round[],
  peer: readonly Round[],
  of: (round: Round) => Measured,
  least: number,
): readonly Figure[] {
  const figure = (name: string, unit: string, per: (one: Measured) => number, goal: number | undefined): Figure => {
    const [ours, theirs] = [own, peer].map(rounds => rounds.map(round => (COUNT / per(of(round))) * 1000))
    const ratio = ratios(ours ?? [], theirs ?? [])
    return {
      name,
      unit,
      value: spread(ours ?? []),
      reference: { name: `Python ${CLIENT}`, value: spread(theirs ?? []), ratio },
      goal: goal === undefined ? 'none of its own' : `ratio ≥ ${goal}`,
      reached: goal === undefined || ratio.median >= goal,
    }
  }
  return [
    figure(`Pulsar: 1 KB messages ${what}, batches of 1000`, 'messages/s', ({ ms }) => ms, least),
    figure(`Pulsar: the same by time of the processor`, 'messages/CPU s', ({ cpuMs }) => cpuMs, undefined),
  ]
}
