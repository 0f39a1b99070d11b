import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { jarsIn } from '../install/jars.ts'
import { compile, java } from '../install/java.ts'
import { copyWithDependencies, unpack } from '../install/maven.ts'
import { zip } from '../install/zip.ts'
import { type InstallContext, type Launch, type LaunchContext, MissingPrerequisite } from '../types.ts'

/** Raise when the content of the installed tree changes for another reason than the server's version. */
export const LAYOUT = 2

const javaSource = (name: string): string => fileURLToPath(new URL(`../java/${name}.java`, import.meta.url))

/** Elasticsearch 8: the distribution as its own integration tests use it, with few modules but security. */
export async function installZip(version: string, context: InstallContext): Promise<void> {
  const { folder, signal } = context
  const artifact = {
    group: 'org.elasticsearch.distribution.integ-test-zip',
    name: 'elasticsearch',
    version,
    type: 'zip',
  }
  await unpack(artifact, join(folder, 'zip'), signal)
  await rename(join(folder, 'zip', `elasticsearch-${version}`), join(folder, 'home'))
  await addOwnClasses(version, 17, { 'rest-root': 'RestRootPlugin', 'email-analysis': 'EmailAnalysisPlugin' }, context)
}

/** Elasticsearch 9: the server's library and its HTTP layer, one by one, for there is no such zip of it. */
export async function installLibraries(version: string, context: InstallContext): Promise<void> {
  const { folder, signal } = context
  const lib = join(folder, 'home', 'lib')
  const transport = join(folder, 'home', 'modules', 'transport-netty4')
  await copyWithDependencies({ group: 'org.elasticsearch', name: 'elasticsearch', version }, lib, signal)
  const netty = { group: 'org.elasticsearch.plugin', name: 'transport-netty4', version }
  await copyWithDependencies(netty, transport, signal)
  // A module must not bring a library that the server has already: it refuses to start ("jar hell").
  const libraries = new Set(await readdir(lib))
  for (const name of await readdir(transport)) if (libraries.has(name)) await rm(join(transport, name))
  const meta = join(folder, 'meta')
  const descriptor = 'META-INF/es-plugins/transport-netty4'
  await unpack(netty, meta, signal, `${descriptor}/**`)
  await cp(join(meta, descriptor), transport, { recursive: true })
  await rm(meta, { recursive: true })
  const native = join(lib, 'platform', platformName())
  await mkdir(native, { recursive: true })
  await cp(await systemZstd(), join(native, process.platform === 'darwin' ? 'libzstd.dylib' : 'libzstd.so'), {
    dereference: true,
  })
  await addOwnClasses(version, 21, { 'rest-root': 'RestRootPlugin' }, context)
}

/** Compiles the main class and adds the modules that stand in for released ones which Maven Central does not hold. */
async function addOwnClasses(
  version: string,
  oldest: 17 | 21,
  modules: Readonly<Record<string, string>>,
  { folder, signal }: InstallContext,
): Promise<void> {
  const home = join(folder, 'home')
  const runtime = await java(oldest)
  const libraries = await jarsIn(join(home, 'lib'))
  await compile(runtime, [javaSource('ElasticsearchNode')], libraries, join(folder, 'main'), signal)
  for (const [name, className] of Object.entries(modules)) {
    const classes = join(folder, 'classes')
    await compile(runtime, [javaSource(className)], libraries, classes, signal)
    await writeModule(join(home, 'modules', name), name, className, version, classes)
    await rm(classes, { recursive: true })
  }
}

async function writeModule(
  folder: string,
  name: string,
  className: string,
  version: string,
  classes: string,
): Promise<void> {
  const inPackage = 'io/pulsar/services'
  const files = new Map<string, Buffer>()
  for (const file of (await readdir(join(classes, inPackage))).sort()) {
    files.set(`${inPackage}/${file}`, await readFile(join(classes, inPackage, file)))
  }
  await mkdir(folder)
  await writeFile(join(folder, `${name}.jar`), zip(files))
  const descriptor = {
    name,
    description: `Stands in for parts of the released modules: ${name}`,
    version,
    'elasticsearch.version': version,
    'java.version': '17',
    classname: `io.pulsar.services.${className}`,
    'has.native.controller': 'false',
  }
  const lines = Object.entries(descriptor).map(([key, value]) => `${key}=${value}\n`)
  await writeFile(join(folder, 'plugin-descriptor.properties'), lines.join(''))
}

/** The folder below `lib/platform` in which the server looks for its native libraries. */
function platformName(): string {
  return `${process.platform === 'darwin' ? 'darwin' : 'linux'}-${process.arch === 'arm64' ? 'aarch64' : 'x64'}`
}

async function systemZstd(): Promise<string> {
  const folders = [
    `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/libzstd.so.1`,
    '/usr/lib64/libzstd.so.1',
    '/usr/lib/libzstd.so.1',
    '/opt/homebrew/lib/libzstd.dylib',
    '/usr/local/lib/libzstd.dylib',
  ]
  for (const path of folders) {
    try {
      await readFile(path)
      return path
    } catch {
      // not here; the next one
    }
  }
  throw new MissingPrerequisite(`the library zstd is missing; on Debian: apt-get install libzstd1`)
}

const LOGGING = `appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
`

/** Writes the instance's configuration, with `configuration` as further files, and gives the command that starts the node. */
export async function launchElasticsearch(
  context: LaunchContext,
  oldest: 17 | 21,
  settings: Readonly<Record<string, string>> = {},
  configuration: Readonly<Record<string, string>> = {},
): Promise<Launch> {
  const { installation, folder, ports, credentials } = context
  const home = join(installation, 'home')
  const config = join(folder, 'config')
  const temporary = join(folder, 'tmp')
  for (const path of [config, temporary]) await mkdir(path, { recursive: true })
  const all = {
    'cluster.name': 'pulsar-io',
    'node.name': 'node-1',
    'discovery.type': 'single-node',
    'network.host': '127.0.0.1',
    'http.port': String(ports[0]),
    'transport.port': String(ports[1]),
    'path.data': JSON.stringify(join(folder, 'data')),
    'path.logs': JSON.stringify(join(folder, 'logs')),
    'cluster.routing.allocation.disk.threshold_enabled': 'false',
    ...settings,
  }
  const yaml = Object.entries(all).map(([key, value]) => `${key}: ${value}\n`)
  await writeFile(join(config, 'elasticsearch.yml'), yaml.join(''))
  for (const [name, content] of Object.entries(configuration)) {
    await writeFile(join(config, name), content, { mode: 0o600 })
  }
  await writeFile(join(config, 'log4j2.properties'), LOGGING)
  const native = join(home, 'lib', 'platform', platformName())
  const runtime = await java(oldest)
  return {
    command: runtime,
    args: [
      '-Xmx512m',
      '-Dorg.elasticsearch.nativeaccess.enableVectorLibrary=false',
      `-Djava.io.tmpdir=${temporary}`,
      `-Des.path.home=${home}`,
      `-Des.path.conf=${config}`,
      '-Des.distribution.type=zip',
      '-Djava.security.manager=allow',
      `-Djava.library.path=${native}`,
      `-Des.nativelibs.path=${native}`,
      '-Dlog4j2.disable.jmx=true',
      // Otherwise logging ends before the node does, and the log cannot tell whether it ended well.
      '-Dlog4j.shutdownHookEnabled=false',
      '-Dio.netty.noUnsafe=true',
      '-Dio.netty.allocator.type=unpooled',
      ...(oldest === 21 ? ['--enable-native-access=org.elasticsearch.nativeaccess,org.apache.lucene.core'] : []),
      '--module-path',
      join(home, 'lib'),
      '--add-modules',
      'jdk.net,jdk.management.agent,ALL-MODULE-PATH',
      '-cp',
      join(installation, 'main'),
      'ElasticsearchNode',
      home,
      config,
    ],
    ...(credentials ? { env: { ELASTIC_PASSWORD: credentials.password } } : {}),
  }
}
