import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { jarsIn } from '../install/jars.ts'
import { java } from '../install/java.ts'
import type { Launch, LaunchContext } from '../types.ts'

/** What Cassandra 5 asks of Java 17 besides the usual: the options of its own `jvm17-server.options`. */
const EXPORTS = [
  'java.base/jdk.internal.misc',
  'java.management.rmi/com.sun.jmx.remote.internal.rmi',
  'java.rmi/sun.rmi.registry',
  'java.rmi/sun.rmi.server',
  'java.sql/java.sql',
  'java.base/java.lang.ref',
  'jdk.unsupported/sun.misc',
]
const OPENS = [
  ...['java.lang.module', 'jdk.internal.loader', 'jdk.internal.ref', 'jdk.internal.reflect', 'jdk.internal.math'],
  ...['jdk.internal.module', 'jdk.internal.util.jar', 'sun.nio.ch', 'java.io', 'java.lang.reflect', 'java.lang'],
  ...['java.util', 'java.nio', 'java.util.concurrent', 'java.util.concurrent.atomic'],
].map(name => `java.base/${name}`)

const LOGGING = `<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d{HH:mm:ss.SSS} %-5level %logger{0} %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="out"/></root>
</configuration>
`

/** The largest commit log segment, of which a mutation may take half: small, so that a test reaches it with 10 MB. */
const SEGMENT = '8MiB'

/** Writes the instance's configuration and gives the command that starts one node with a heap of 256 MB. */
export async function launchCassandra(
  { installation, folder, ports }: LaunchContext,
  settings: Readonly<Record<string, string>> = {},
): Promise<Launch> {
  const [native, storage, management] = ports
  const config = join(folder, 'config')
  const data = join(folder, 'data')
  const temporary = join(folder, 'tmp')
  for (const path of [config, data, temporary]) await mkdir(path, { recursive: true })
  const all = {
    cluster_name: 'pulsar-io',
    num_tokens: '1',
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
    endpoint_snitch: 'SimpleSnitch',
    seed_provider: JSON.stringify([
      {
        class_name: 'org.apache.cassandra.locator.SimpleSeedProvider',
        parameters: [{ seeds: `127.0.0.1:${storage}` }],
      },
    ]),
    listen_address: '127.0.0.1',
    rpc_address: '127.0.0.1',
    native_transport_port: String(native),
    storage_port: String(storage),
    data_file_directories: JSON.stringify([join(data, 'data')]),
    commitlog_directory: JSON.stringify(join(data, 'commitlog')),
    saved_caches_directory: JSON.stringify(join(data, 'saved_caches')),
    hints_directory: JSON.stringify(join(data, 'hints')),
    cdc_raw_directory: JSON.stringify(join(data, 'cdc_raw')),
    // A write is on disk before it is confirmed, so that what was confirmed survives a kill of the process, as tests do
    // it. By itself Cassandra syncs every ten seconds, for other nodes have the rows as well.
    commitlog_sync: 'batch',
    commitlog_segment_size: SEGMENT,
    memtable_heap_space: '64MiB',
    memtable_offheap_space: '64MiB',
    file_cache_size: '32MiB',
    auto_snapshot: 'false',
    concurrent_reads: '8',
    concurrent_writes: '8',
    storage_compatibility_mode: 'NONE',
    ...settings,
  }
  const yaml = Object.entries(all).map(([name, value]) => `${name}: ${value}\n`)
  await writeFile(join(config, 'cassandra.yaml'), yaml.join(''))
  await writeFile(join(config, 'logback.xml'), LOGGING)
  return {
    command: await java(17),
    args: [
      ...['-Xms256m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:MaxDirectMemorySize=128m'],
      `-Djava.io.tmpdir=${temporary}`,
      `-Dcassandra.config=file://${join(config, 'cassandra.yaml')}`,
      `-Dcassandra.storagedir=${data}`,
      `-Dlogback.configurationFile=file://${join(config, 'logback.xml')}`,
      `-Dcassandra.jmx.local.port=${management}`,
      // A cluster of one has nobody to wait for.
      ...['-Dcassandra.skip_wait_for_gossip_to_settle=0', '-Dcassandra.ring_delay_ms=1', '-Dcassandra.initial_token=0'],
      '-Dcassandra.superuser_setup_delay_ms=0',
      ...['-Dcassandra-foreground=yes', '-Djdk.attach.allowAttachSelf=true'],
      ...['-Dio.netty.tryReflectionSetAccessible=true', '-Djava.net.preferIPv4Stack=true'],
      ...EXPORTS.flatMap(name => ['--add-exports', `${name}=ALL-UNNAMED`]),
      ...OPENS.flatMap(name => ['--add-opens', `${name}=ALL-UNNAMED`]),
      ...['--add-opens', 'jdk.management/com.sun.management.internal=ALL-UNNAMED'],
      '-cp',
      [config, ...(await jarsIn(join(installation, 'lib')))].join(':'),
      'org.apache.cassandra.service.CassandraDaemon',
    ],
  }
}
