import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { completeJava } from '../install/java.ts'
import { unpack } from '../install/maven.ts'
import type { InstallContext, Launch, LaunchContext } from '../types.ts'

/** Raise when the content of the installed tree changes for another reason than the server's version. */
export const LAYOUT = 1

/** The released distribution, without connectors. */
export async function installDistribution(version: string, { folder, signal }: InstallContext): Promise<void> {
  const artifact = {
    group: 'org.apache.pulsar',
    name: 'pulsar-server-distribution',
    version,
    type: 'tar.gz',
    classifier: 'bin',
  }
  await unpack(artifact, join(folder, 'unpacked'), signal)
  await rename(join(folder, 'unpacked', `apache-pulsar-${version}`), join(folder, 'home'))
}

/** What the tests need beyond the settings that standalone comes with. */
export const SETTINGS = {
  transactionCoordinatorEnabled: 'true',
  acknowledgmentAtBatchIndexLevelEnabled: 'true',
  systemTopicEnabled: 'true',
  topicLevelPoliciesEnabled: 'true',
  allowAutoTopicCreation: 'true',
  // Topics stay when nobody uses them for a minute.
  brokerDeleteInactiveTopicsEnabled: 'false',
  forceDeleteNamespaceAllowed: 'true',
  forceDeleteTenantAllowed: 'true',
}

/** What is set for one kind of standalone beyond {@link SETTINGS}. */
export interface StandaloneOptions {
  readonly settings?: Readonly<Record<string, string>>
  /** With the functions worker, whose connectors run as threads of the broker. */
  readonly functions?: boolean
}

/**
 * Writes the instance's configuration and gives the command that starts broker, bookie and metadata store in one JVM.
 * The first port is that of the binary protocol, the second that of HTTP, see {@link addresses} for more; the bookie
 * takes a free one on loopback.
 */
export async function launchStandalone(context: LaunchContext, options: StandaloneOptions = {}): Promise<Launch> {
  const { installation, folder, ports } = context
  const home = join(installation, 'home')
  const config = join(folder, 'standalone.conf')
  const temporary = join(folder, 'tmp')
  const data = join(folder, 'data')
  await mkdir(temporary, { recursive: true })
  const released = await readFile(join(home, 'conf', 'standalone.conf'), 'utf8')
  const settings = {
    bindAddress: '127.0.0.1',
    ...addresses(ports),
    brokerServicePort: String(ports[0]),
    webServicePort: String(ports[1]),
    // The bookie listens on all interfaces otherwise.
    listeningInterface: process.platform === 'darwin' ? 'lo0' : 'lo',
    allowLoopback: 'true',
    // Archives that connectors were created with: else in the installed tree, which later servers share.
    STORAGE_PATH: join(data, 'packages'),
    ...SETTINGS,
    ...options.settings,
  }
  await writeFile(config, withSettings(released, settings), { mode: 0o600 })
  const java = await completeJava(17)
  return {
    command: join(home, 'bin', 'pulsar'),
    args: [
      'standalone',
      ...['--config', config],
      ...['--bookkeeper-dir', join(data, 'bookkeeper')],
      ...['--metadata-dir', join(data, 'metadata')],
      '--no-stream-storage',
      ...(options.functions ? ['-fwc', await writeWorkerConfig(home, folder)] : ['--no-functions-worker']),
    ],
    env: {
      JAVA_HOME: '',
      PATH: `${dirname(java)}${delimiter}${process.env.PATH ?? ''}`,
      PULSAR_STANDALONE_CONF: config,
      PULSAR_LOG_DIR: join(folder, 'logs'),
      PULSAR_MEM: '-Xms128m -Xmx512m -XX:MaxDirectMemorySize=512m',
      PULSAR_GC: '-XX:+UseG1GC -XX:+PerfDisableSharedMem',
      PULSAR_GC_LOG: ' ',
      // Archives of functions are unpacked into the temporary folder.
      PULSAR_EXTRA_OPTS: `-Dpulsar.allocator.exit_on_oom=true -Djava.io.tmpdir=${temporary}`,
    },
  }
}

/**
 * With four ports there is a listener `proxied` on the third that gives clients the fourth one as its address: whoever
 * listens there stands between client and broker.
 */
function addresses([client, web, proxied, advertised]: readonly number[]): Readonly<Record<string, string>> {
  if (proxied === undefined || advertised === undefined) return { advertisedAddress: '127.0.0.1' }
  return {
    bindAddresses: `proxied:pulsar://127.0.0.1:${proxied}`,
    advertisedListeners: `internal:pulsar://127.0.0.1:${client},internal:http://127.0.0.1:${web},proxied:pulsar://127.0.0.1:${advertised}`,
    internalListenerName: 'internal',
  }
}

/** Sets values in a file of `key=value` lines; those that are not in it come at its end. */
export function withSettings(properties: string, settings: Readonly<Record<string, string>>): string {
  const left = new Map(Object.entries(settings))
  const lines = properties.split('\n').map(line => {
    const key = /^\s*([\w.]+)\s*=/.exec(line)?.[1]
    const value = key === undefined ? undefined : left.get(key)
    if (key === undefined || value === undefined) return line
    left.delete(key)
    return `${key}=${value}`
  })
  return [...lines, ...[...left].map(([key, value]) => `${key}=${value}`), ''].join('\n')
}

/** The folder of an instance that its built-in connectors are in. */
export function builtinConnectors(folder: string): string {
  return join(folder, 'connectors')
}

/** The process runtime, which is the default, opens ports on all interfaces. */
async function writeWorkerConfig(home: string, folder: string): Promise<string> {
  const released = await readFile(join(home, 'conf', 'functions_worker.yml'), 'utf8')
  const runtime = /^functionRuntimeFactoryClassName:.*\nfunctionRuntimeFactoryConfigs:\n(?: {4}.*\n)+/m
  if (!runtime.test(released)) throw new Error('functions_worker.yml names no runtime where it is expected')
  const connectors = builtinConnectors(folder)
  const config = released
    .replace(/^workerHostname:.*$/m, 'workerHostname: 127.0.0.1')
    .replace(/^connectorsDirectory:.*$/m, `connectorsDirectory: ${connectors}`)
    .replace(
      runtime,
      'functionRuntimeFactoryClassName: org.apache.pulsar.functions.runtime.thread.ThreadRuntimeFactory\n' +
        'functionRuntimeFactoryConfigs:\n    threadGroupName: Functions\n',
    )
  await mkdir(connectors, { recursive: true })
  const path = join(folder, 'functions_worker.yml')
  await writeFile(path, config)
  return path
}
