import type { TopicStats } from '@pulsar-io/messaging'
import { formatPosition, type Problem } from '@pulsar-io/sdk'
import { flagValue } from '../config/flag-fields.ts'
import { EXIT } from '../exit.ts'
import type { FlagValues } from '../flags/flag.ts'
import { topicsFlags } from '../flags/topics.ts'
import { noLog, requireTopic, withTopics } from '../messaging.ts'
import { json, outputFormat, outputTo, table } from '../output.ts'

/** `topics stats`. */
export async function stats(topic: string, values: FlagValues): Promise<number> {
  const problems: Problem[] = []
  const asked = askedOutput(values, problems)
  return withTopics(values, problems, async (client, directory) => {
    if (client === undefined) throw noLog(topic, directory)
    await requireTopic(client, topic)
    const found = await client.topics.stats(topic)
    const format = outputFormat(asked, process.stdout)
    await outputTo(process.stdout).write(format === 'json' ? json(plainStats(found)) : statsTable(found))
    return EXIT.ok
  })
}

/** `topics list`: names, one per line; JSON only where it was asked for. */
export async function listTopics(values: FlagValues): Promise<number> {
  const problems: Problem[] = []
  const asked = askedOutput(values, problems)
  return withTopics(values, problems, async (client, directory) => {
    const names = client === undefined ? [] : await client.topics.list()
    if (client === undefined) process.stderr.write(`no topics: ${directory} does not exist\n`)
    const text = asked === 'json' ? json(names) : names.map(name => `${name}\n`).join('')
    await outputTo(process.stdout).write(text)
    return EXIT.ok
  })
}

function askedOutput(values: FlagValues, problems: Problem[]): string | undefined {
  const flag = topicsFlags.flatMap(group => group.flags).find(each => each.flags.startsWith('--output'))
  return flag && values.output !== undefined ? (flagValue(flag, values.output, problems) as string) : undefined
}

function plainStats(found: TopicStats): object {
  const position = (at: TopicStats['first']) => (at === undefined ? null : formatPosition(at))
  return {
    ...found,
    first: position(found.first),
    last: position(found.last),
    schema: found.schema ?? null,
    subscriptions: found.subscriptions.map(each => ({ ...each, markDelete: position(each.markDelete) })),
  }
}

function statsTable(found: TopicStats): string {
  const at = (place: TopicStats['first']) => (place === undefined ? '-' : formatPosition(place))
  const facts = table(
    ['TOPIC', found.topic],
    [
      ['partitions', String(found.partitions)],
      ['messages', String(found.messages)],
      ['bytes', String(found.bytes)],
      ['first', at(found.first)],
      ['last', at(found.last)],
      ['schema', found.schema?.type ?? '-'],
      ['producers', String(found.producers)],
    ],
  )
  if (found.subscriptions.length === 0) return `${facts}\nno subscriptions\n`
  const rows = found.subscriptions.map(each => [
    each.name,
    each.type ?? '-',
    String(each.backlog),
    String(each.unacknowledged),
    String(each.consumers),
    at(each.markDelete),
  ])
  return `${facts}\n${table(['SUBSCRIPTION', 'TYPE', 'BACKLOG', 'UNACKED', 'CONSUMERS', 'MARK DELETE'], rows)}`
}
