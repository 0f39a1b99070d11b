import { existsSync } from 'node:fs'
import { embeddedDirectory, openMessaging } from '@pulsar-io/engine'
import type { MessagingClient } from '@pulsar-io/messaging'
import { ConfigError, closest, type Problem } from '@pulsar-io/sdk'
import { ConfigProblems } from './config/config-problems.ts'
import type { FlagValues } from './flags/flag.ts'
import { messagingAddress } from './flags/messaging-address.ts'

/** Opens the messaging system that the flags name, for as long as `work` takes. Throws what is wrong with the flags. */
export async function withMessaging<T>(
  values: FlagValues,
  problems: Problem[],
  work: (client: MessagingClient) => Promise<T>,
): Promise<T> {
  const address = messagingAddress(values, problems)
  if (problems.length > 0) throw new ConfigProblems(problems)
  const client = await openMessaging(address)
  try {
    return await work(client)
  } finally {
    await client.close()
  }
}

/**
 * The same for commands that only look, with undefined where there is no log: a misspelt folder is not made. Throws what
 * is wrong with the flags.
 */
export async function withTopics<T>(
  values: FlagValues,
  problems: Problem[],
  work: (client: MessagingClient | undefined, directory: string) => Promise<T>,
): Promise<T> {
  const directory = embeddedDirectory(messagingAddress(values, problems)?.url)
  if (problems.length === 0 && directory !== undefined && !existsSync(directory)) return work(undefined, directory)
  return withMessaging(values, [...problems], client => work(client, directory ?? ''))
}

/** The error of a topic in a folder that is not there. */
export function noLog(topic: string, directory: string): ConfigError {
  const message = `there is no topic ${topic}; ${directory} does not exist; look whether --data-dir is the folder that you mean`
  return new ConfigError([{ path: '', message }], { code: 'PIO_TOPIC_NOT_FOUND' })
}

/** Throws a ConfigError (`PIO_TOPIC_NOT_FOUND`) that names the topics there are, when a topic is not there. */
export async function requireTopic(client: MessagingClient, topic: string): Promise<void> {
  if (await client.topics.exists(topic)) return
  const names = (await client.topics.list()).map(shortName)
  const guess = closest(shortName(topic), names)
  const some = names.slice(0, 10).join(', ')
  const hint = guess
    ? `did you mean ${guess}?`
    : names.length > 0
      ? `there are ${some}${names.length > 10 ? ' and others; see `runtime topics list`' : ''}`
      : 'there are no topics here; look whether --data-dir is the folder that you mean'
  throw new ConfigError([{ path: '', message: `there is no topic ${topic}; ${hint}` }], { code: 'PIO_TOPIC_NOT_FOUND' })
}

/** The way most people write a topic: without what is the default. */
function shortName(topic: string): string {
  return topic.replace(/^persistent:\/\//, '').replace(/^public\/default\//, '')
}
