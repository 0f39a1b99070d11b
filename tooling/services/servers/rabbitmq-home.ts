import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { access, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { aptInstall } from '../install/debian.ts'
import {
  type Credentials,
  type InstallContext,
  type Launch,
  type LaunchContext,
  MissingPrerequisite,
  type Users,
} from '../types.ts'

/** Where Debian's package has the plain scripts; those on the PATH insist on a user of their own. */
const BIN = '/usr/lib/rabbitmq/bin'
const SERVER = join(BIN, 'rabbitmq-server')

/** Raise when what `installRabbitmq` leaves behind changes. */
export const LAYOUT = 1

/** The certificates that the servers of tests with TLS show, and of those they believe. */
export const tlsFile = (name: 'ca.pem' | 'server.pem' | 'client.pem'): string =>
  fileURLToPath(new URL(`../tls/${name}`, import.meta.url))

/** Brings the Debian package where it is not there yet. The tree itself stays empty: the server runs from the system. */
export async function installRabbitmq({ folder, signal }: InstallContext): Promise<void> {
  if (!existsSync(SERVER)) await aptInstall('rabbitmq-server', signal)
  await writeFile(join(folder, 'installed'), 'the Debian package rabbitmq-server\n')
}

/** As RabbitMQ keeps a password: base64 of a salt of four bytes and the SHA-256 of it and the password. */
function hashPassword(password: string, salt: Buffer = randomBytes(4)): string {
  return Buffer.concat([salt, createHash('sha256').update(salt).update(password).digest()]).toString('base64')
}

/** Users, the virtual host and permissions, as the server imports them at its first start. */
export function definitions({ credentials, readOnly }: Users): string {
  const user = ({ username, password }: Credentials, tags: string[]) => ({
    name: username,
    password_hash: hashPassword(password),
    hashing_algorithm: 'rabbit_password_hashing_sha256',
    tags,
  })
  const may = (who: Credentials, configure: string, write: string) => ({
    user: who.username,
    vhost: '/',
    configure,
    write,
    read: '.*',
  })
  return JSON.stringify({
    users: [...(credentials ? [user(credentials, ['administrator'])] : []), ...(readOnly ? [user(readOnly, [])] : [])],
    vhosts: [{ name: '/' }],
    permissions: [
      ...(credentials ? [may(credentials, '.*', '.*')] : []),
      ...(readOnly ? [may(readOnly, '^$', '^$')] : []),
    ],
  })
}

/** What the server and its tools are told by the environment. */
function environment({ folder, ports: [port, distribution, epmd] }: LaunchContext): Record<string, string> {
  return {
    // The cookie is in it.
    HOME: folder,
    RABBITMQ_NODENAME: `services-${port}@localhost`,
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_DIST_PORT: String(distribution),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: String(epmd),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    RABBITMQ_CTL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
  }
}

const tlsLines = (port: number | undefined): string[] => [
  'listeners.tcp = none',
  `listeners.ssl.default = 127.0.0.1:${port}`,
  `ssl_options.cacertfile = ${tlsFile('ca.pem')}`,
  `ssl_options.certfile = ${tlsFile('server.pem')}`,
  `ssl_options.keyfile = ${tlsFile('server.pem')}`,
  'ssl_options.verify = verify_peer',
  'ssl_options.fail_if_no_peer_cert = true',
]

/** Writes the configuration of an instance; gives how to run it. `secured`: TLS alone, with client certificates. */
export async function launchRabbitmq(context: LaunchContext, secured = false): Promise<Launch> {
  await access(SERVER).catch(() => {
    throw new MissingPrerequisite('the Debian package rabbitmq-server is gone; install it again')
  })
  const { folder, ports } = context
  const [port, , epmd] = ports
  const imported = join(folder, 'definitions.json')
  await mkdir(folder, { recursive: true })
  await writeFile(imported, definitions(context), { mode: 0o600 })
  await writeFile(join(folder, 'enabled_plugins'), '[].\n')
  const lines = [
    ...(secured ? tlsLines(port) : [`listeners.tcp.default = 127.0.0.1:${port}`]),
    `load_definitions = ${imported}`,
    'loopback_users = none',
    // A full disk is none of the tests' business.
    'disk_free_limit.absolute = 1MB',
    'log.console = true',
    'log.file = false',
  ]
  await writeFile(join(folder, 'rabbitmq.conf'), `${lines.join('\n')}\n`)
  // The port mapper would stay behind as a daemon if the server started it; here it ends with the server's group.
  const script =
    'epmd -address 127.0.0.1 -port "$ERL_EPMD_PORT" & until epmd -port "$ERL_EPMD_PORT" -names >/dev/null 2>&1; do sleep 0.05; done; exec "$0"'
  return {
    command: '/bin/sh',
    args: ['-c', script, SERVER],
    env: { ...environment(context), ERL_EPMD_PORT: String(epmd) },
  }
}

/** How `rabbitmqctl` is run for an instance. */
export function rabbitmqctl(context: LaunchContext, args: readonly string[]): Launch {
  const env = environment(context)
  return { command: join(BIN, 'rabbitmqctl'), args: ['--node', env.RABBITMQ_NODENAME ?? '', ...args], env }
}
