import type { Admin, ConnectorId, DeadLetter, DeadLetterReplay } from '@pulsar-io/admin'
import type { ConnectorKind, Problem } from '@pulsar-io/sdk'
import { connection } from '../../admin-connection.ts'
import { ConfigProblems } from '../../config/config-problems.ts'
import { EXIT } from '../../exit.ts'
import type { FlagValues } from '../../flags/flag.ts'
import { reader } from '../../flags/reader.ts'
import { table } from '../../output.ts'
import { calling, ours } from './calling.ts'
import { formatOf, formatted, print } from './output.ts'
import { targetOf } from './target.ts'

/** Letters that are replayed with one request: the first numbers are there soon. */
const AT_ONCE = 1000
const NOT_OURS =
  "has no dead letters to show; only this project's worker does. With Pulsar's own, read the dead letter topic itself"

/** `dlq list`: dead letters that were not replayed. */
export async function list(kind: ConnectorKind, values: FlagValues, argument?: string): Promise<number> {
  const problems: Problem[] = []
  const connect = await connection(values, problems)
  const format = formatOf(values, problems)
  const name = targetOf(values, argument, problems)
  const limit = reader(values, problems).whole('--limit', 1, 1000)
  if (problems.length > 0) throw new ConfigProblems(problems)
  const showValues = values.showValues === true
  return calling(connect, async (admin, signal) => {
    const options = { limit, showValues, signal }
    const { letters, more } = await asked(admin, () => admin[`${kind}s`].deadLetters(name, options))
    await print(await formatted(letters, format, () => lettersTable(letters, showValues)))
    if (more) process.stderr.write(`there are more: --limit shows up to 1000\n`)
    return EXIT.ok
  })
}

/** `dlq replay`: dead letters go again to where they came from. What comes in meanwhile is for another time. */
export async function replay(values: FlagValues, argument?: string): Promise<number> {
  const problems: Problem[] = []
  const connect = await connection(values, problems)
  const format = formatOf(values, problems)
  const name = targetOf(values, argument, problems)
  const limit = reader(values, problems).whole('--limit', 1, Number.MAX_SAFE_INTEGER) ?? Number.POSITIVE_INFINITY
  if (problems.length > 0) throw new ConfigProblems(problems)
  const dryRun = values.dryRun === true
  return calling(connect, async (admin, signal) => {
    const result = dryRun
      ? await asked(admin, () =>
          admin.sinks.replayDeadLetters(name, { limit: Math.min(limit, 10_000), dryRun, signal }),
        )
      : await replayAll(admin, name, limit, signal)
    const { replayed, refused, reasons } = result
    await print(
      await formatted(
        { ...(dryRun ? { dryRun } : {}), replayed, refused, reasons },
        format,
        () => `${words(replayed)} ${dryRun ? 'would be ' : ''}replayed\n`,
      ),
    )
    if (refused > 0) {
      const lines = reasons.map(({ topic, position, reason }) => `  ${topic} ${position}: ${reason}\n`)
      process.stderr.write(`${words(refused)} cannot be replayed and stay:\n${lines.join('')}`)
    }
    return EXIT.ok
  })
}

/** In several requests, until nothing is left of what waited at the beginning. */
async function replayAll(
  admin: Admin,
  name: ConnectorId,
  limit: number,
  signal: AbortSignal,
): Promise<DeadLetterReplay> {
  let replayed = 0
  let before: number | undefined
  for (;;) {
    const options = { limit: Math.min(limit - replayed, AT_ONCE), before, signal }
    const step = await asked(admin, () => admin.sinks.replayDeadLetters(name, options))
    before ??= step.began
    replayed += step.replayed
    if (replayed >= limit || step.replayed === 0) return { ...step, replayed }
    if (step.replayed === AT_ONCE) process.stderr.write(`${words(replayed)} replayed so far\n`)
  }
}

async function asked<T>(admin: Admin, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw ours(error, admin, NOT_OURS)
  }
}

function lettersTable(letters: readonly DeadLetter[], showValues: boolean): string {
  const head = ['TIME', 'TOPIC', 'POSITION', 'CODE', ...(showValues ? ['VALUE'] : []), 'REASON']
  return table(
    head,
    letters.map(({ time, topic = '-', position = '-', code = '-', reason = '-', preview }) => [
      new Date(time).toISOString(),
      topic,
      position,
      code,
      ...(showValues ? [shownValue(preview)] : []),
      oneLine(reason),
    ]),
  )
}

function shownValue(preview: DeadLetter['preview']): string {
  if (preview === undefined || preview.value === null) return '-'
  return `${oneLine(preview.value)}${preview.cut ? '…' : ''}`
}

/** A value may hold anything, what commands a terminal included. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
}

function words(n: number): string {
  return `${n.toLocaleString('en-US')} ${n === 1 ? 'dead letter' : 'dead letters'}`
}
