import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../command.ts'
import { java } from '../install/java.ts'
import { copyWithDependencies } from '../install/maven.ts'
import type { Credentials, InstallContext, Launch, LaunchContext, Users } from '../types.ts'

/** Raise when the content of the installed tree changes for another reason than the server's version. */
export const LAYOUT = 1

const HOST = '127.0.0.1'
const LIMIT_MS = 60_000

/** Certificates for tests alone, valid for a hundred years; the authority's key was thrown away. */
const tls = (name: string): string => fileURLToPath(new URL(`../tls/${name}.pem`, import.meta.url))

export async function installKafka(version: string, { folder, signal }: InstallContext): Promise<void> {
  const lib = join(folder, 'lib')
  await copyWithDependencies({ group: 'org.apache.kafka', name: 'kafka_2.13', version }, lib, signal)
  // Without a binding of its logging API the server says nothing, also not why it does not start.
  await copyWithDependencies({ group: 'org.slf4j', name: 'slf4j-simple', version: '1.7.36' }, lib, signal)
}

/** Settings of a single node, also as environment variables of the image. */
export const SETTINGS = {
  'num.partitions': '1',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '4',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '4',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'share.coordinator.state.topic.num.partitions': '4',
  'group.initial.rebalance.delay.ms': '0',
}

/** Starts a node that is broker and controller, and formats its folder the first time. */
async function launch(
  { installation, folder }: LaunchContext,
  settings: Readonly<Record<string, string>>,
  formatting: readonly string[] = [],
): Promise<Launch> {
  const data = join(folder, 'data')
  const properties = join(folder, 'server.properties')
  const program = await java(17)
  const common = [
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    '-Dorg.slf4j.simpleLogger.showDateTime=true',
    ...['-cp', join(installation, 'lib', '*')],
  ]
  await mkdir(folder, { recursive: true })
  const all = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': data,
    ...SETTINGS,
    ...settings,
  }
  const lines = Object.entries(all).map(([key, value]) => `${key}=${value.replaceAll('\\', '\\\\')}\n`)
  await writeFile(properties, lines.join(''))
  if (!existsSync(join(data, 'meta.properties'))) {
    const format = ['format', '-t', 'cHVsc2FyLWlvLXRlc3RzMQ', '-c', properties, ...formatting]
    const signal = AbortSignal.timeout(LIMIT_MS)
    await run(program, ['-Xmx128m', ...common, 'kafka.tools.StorageTool', ...format], { signal })
  }
  return { command: program, args: ['-Xms128m', '-Xmx512m', ...common, 'kafka.Kafka', properties] }
}

/**
 * A node without security. Besides the client port (the first) and the controller's there is a listener `PROXIED` on the
 * third port that gives clients the fourth one as its address: whoever listens there stands between client and server.
 */
export function launchKafka(context: LaunchContext): Promise<Launch> {
  const [client, controller, proxied, advertised] = context.ports
  return launch(context, {
    'controller.quorum.voters': `1@${HOST}:${controller}`,
    listeners: `PLAINTEXT://${HOST}:${client},CONTROLLER://${HOST}:${controller},PROXIED://${HOST}:${proxied}`,
    'advertised.listeners': `PLAINTEXT://${HOST}:${client},PROXIED://${HOST}:${advertised}`,
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT',
  })
}

/** A node that speaks TLS and asks for a user: PLAIN, SCRAM and (with tokens that nobody signed) OAUTHBEARER. */
export function launchSecuredKafka(context: LaunchContext): Promise<Launch> {
  const [client, controller, internal] = context.ports
  const users = usersOf(context)
  const jaas = 'org.apache.kafka.common.security'
  const plain = users.map(({ username, password }) => `user_${username}="${password}"`).join(' ')
  const listener = 'listener.name.secured'
  return launch(
    context,
    {
      'controller.quorum.voters': `1@${HOST}:${controller}`,
      listeners: `SECURED://${HOST}:${client},CONTROLLER://${HOST}:${controller},INTERNAL://${HOST}:${internal}`,
      'advertised.listeners': `SECURED://${HOST}:${client},INTERNAL://${HOST}:${internal}`,
      'inter.broker.listener.name': 'INTERNAL',
      'listener.security.protocol.map': 'SECURED:SASL_SSL,CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT',
      [`${listener}.sasl.enabled.mechanisms`]: 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
      [`${listener}.plain.sasl.jaas.config`]: `${jaas}.plain.PlainLoginModule required ${plain};`,
      [`${listener}.scram-sha-256.sasl.jaas.config`]: `${jaas}.scram.ScramLoginModule required;`,
      [`${listener}.scram-sha-512.sasl.jaas.config`]: `${jaas}.scram.ScramLoginModule required;`,
      [`${listener}.oauthbearer.sasl.jaas.config`]: `${jaas}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="server";`,
      [`${listener}.ssl.keystore.type`]: 'PEM',
      [`${listener}.ssl.keystore.location`]: tls('server'),
      [`${listener}.ssl.truststore.type`]: 'PEM',
      [`${listener}.ssl.truststore.location`]: tls('ca'),
      [`${listener}.ssl.client.auth`]: 'requested',
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': `User:ANONYMOUS;User:${context.credentials?.username}`,
    },
    users.flatMap(({ username, password }) =>
      ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap(mechanism => [
        '--add-scram',
        `${mechanism}=[name=${username},password=${password}]`,
      ]),
    ),
  )
}

function usersOf({ credentials, readOnly }: Users): Credentials[] {
  return [credentials, readOnly].flatMap(user => user ?? [])
}

/** The authority that signed the server's certificate, as a file. */
export const authority = tls('ca')
