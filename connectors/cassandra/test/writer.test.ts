import { ConnectionError, type Outcome, RecordError, TransientError } from '@pulsar-io/sdk'
import { describe, expect, it } from 'vitest'
import type { Statement } from '../src/client.ts'
import { type Task, Writer } from '../src/writer.ts'
import { codes } from './support.ts'

const nobody = new AbortController().signal

/** Record `i` in a partition; its value names it. */
const taskOf = (record: number, partition: string): Task => ({
  record,
  partition,
  cql: 'INSERT',
  values: [Buffer.from(String(record))],
})
const named = (statements: readonly Statement[]) => statements.map(({ values }) => Number(String(values[0])))

async function written(
  partitions: readonly string[],
  run: (statements: readonly Statement[]) => Promise<void>,
  { concurrency = 4, batch = 3, signal = nobody } = {},
): Promise<readonly Outcome[]> {
  const outcomes = new Array<Outcome>(partitions.length).fill(undefined)
  const tasks = partitions.map((partition, i) => taskOf(i, partition))
  await new Writer({ run }, concurrency, batch).write((from, to) => tasks.slice(from, to), outcomes, signal)
  return outcomes
}

describe('the writer', () => {
  it('puts rows of one partition together, so many at most, and never those of two', async () => {
    const seen: number[][] = []
    await written(['a', 'b', 'a', 'a', 'a', 'b'], async statements => void seen.push(named(statements)))
    expect(seen.sort()).toEqual([[0, 2, 3], [1, 5], [4]])
  })

  it('keeps batches small in bytes', async () => {
    const seen: number[] = []
    const outcomes: Outcome[] = [undefined, undefined, undefined]
    const tasks = outcomes.map((_, i) => ({ ...taskOf(i, 'a'), values: [Buffer.alloc(30_000)] }))
    const run = async (statements: readonly Statement[]) => void seen.push(statements.length)
    await new Writer({ run }, 4, 50).write((from, to) => tasks.slice(from, to), outcomes, nobody)
    expect(seen.sort()).toEqual([1, 2])
  })

  it('has so many under way at most, and so many where there are enough', async () => {
    let [now, most] = [0, 0]
    const run = async () => {
      most = Math.max(most, ++now)
      await new Promise(resolve => setImmediate(resolve))
      now--
    }
    await written(
      Array.from({ length: 1000 }, (_, i) => String(i)),
      run,
      { concurrency: 7 },
    )
    expect(most).toBe(7)
  })

  it('fills up with the next batch what the last rows of one leave free, and goes no further', async () => {
    const answers: (() => void)[] = []
    const seen: number[] = []
    const run = (statements: readonly Statement[]) => {
      seen.push(...named(statements))
      return new Promise<void>(resolve => answers.push(resolve))
    }
    const writer = new Writer({ run }, 4, 1)
    const write = (records: readonly number[]) => {
      const tasks = records.map((record, i) => ({ ...taskOf(record, String(record)), record: i }))
      return writer.write((from, to) => tasks.slice(from, to), new Array<Outcome>(tasks.length).fill(undefined), nobody)
    }
    const [first, second] = [write([0, 1, 2]), write([3, 4, 5])]
    expect(seen).toEqual([0, 1, 2, 3])
    answers[0]?.()
    await new Promise(resolve => setImmediate(resolve))
    expect(seen).toEqual([0, 1, 2, 3, 4])
    for (const answer of answers.slice(1, 3)) answer()
    await first
    expect(seen).toEqual([0, 1, 2, 3, 4, 5])
    for (const answer of answers) answer()
    await second
  })

  it('finds out which row of a batch is refused', async () => {
    const run = async (statements: readonly Statement[]) => {
      if (named(statements).includes(1)) throw new RecordError('bad', { code: 'PIO_CASSANDRA_REJECTED' })
    }
    expect(codes(await written(['a', 'a', 'a'], run))).toEqual([undefined, 'PIO_CASSANDRA_REJECTED', undefined])
  })

  it('sends nothing more once nobody answers, and says so of the rest', async () => {
    let sent = 0
    const run = async () => {
      sent++
      if (sent > 10) throw new ConnectionError('away', { code: 'PIO_CASSANDRA_UNREACHABLE' })
    }
    const partitions = Array.from({ length: 1000 }, (_, i) => String(i))
    const outcomes = await written(partitions, run, { concurrency: 1 })
    expect(sent).toBe(11)
    expect(codes(outcomes)).toEqual(partitions.map((_, i) => (i < 10 ? undefined : 'PIO_CASSANDRA_UNREACHABLE')))
  })

  it('goes on after a row that may succeed later', async () => {
    const run = async (statements: readonly Statement[]) => {
      if (named(statements)[0] === 0) throw new TransientError('later', { code: 'PIO_CASSANDRA_BUSY' })
    }
    expect(codes(await written(['a', 'b'], run, { concurrency: 1 }))).toEqual(['PIO_CASSANDRA_BUSY', undefined])
  })

  it('ends when it is told to, and claims nothing that is not confirmed', async () => {
    const stop = new AbortController()
    const run = () => new Promise<void>(() => stop.abort())
    const outcomes = await written(['a', 'b', 'c'], run, { concurrency: 1, signal: stop.signal })
    expect(codes(outcomes)).toEqual(outcomes.map(() => 'PIO_CASSANDRA_STOPPED'))
  })

  it('lets a bug through', async () => {
    await expect(written(['a'], () => Promise.reject(new TypeError('bug')))).rejects.toThrow('bug')
  })
})
