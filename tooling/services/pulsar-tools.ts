import { copyFile, rename } from 'node:fs/promises'
import { basename, delimiter, dirname, join } from 'node:path'
import { servicesHome } from './home.ts'
import { installOnce } from './install/install.ts'
import { completeJava } from './install/java.ts'
import { copyArtifact } from './install/maven.ts'
import { PULSAR_VERSION, pulsarInstallation } from './servers/pulsar.ts'
import { builtinConnectors } from './servers/pulsar-home.ts'
import { inContinuousIntegration } from './service.ts'
import { type AvailableService, MissingPrerequisite } from './types.ts'

/** A tool that there is, or why there is none. */
export type Tool<T> = ({ readonly available: true } & T) | { readonly available: false; readonly reason: string }

/**
 * Pulsar's own `pulsar-admin`: a command and its environment. Each call starts a JVM, which takes two to four seconds.
 * @throws with `CI` set, when there is none.
 */
export function pulsarAdmin(): Promise<Tool<{ readonly command: string; readonly env: NodeJS.ProcessEnv }>> {
  return required('pulsar-admin', async () => {
    const { key, install } = pulsarInstallation
    const folder = await installOnce(servicesHome(), key, install)
    const java = await completeJava(17)
    const env = {
      ...process.env,
      JAVA_HOME: '',
      PATH: `${dirname(java)}${delimiter}${process.env.PATH ?? ''}`,
      // A process that soon ends is not worth the better compiler: this halves its time.
      PULSAR_EXTRA_OPTS: '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC',
    }
    return { command: join(folder, 'home', 'bin', 'pulsar-admin'), env }
  })
}

/**
 * A connector of Apache Pulsar, as its NAR: `data-generator`, for example.
 * @throws with `CI` set, when it cannot be had.
 */
export function javaConnector(name: string): Promise<Tool<{ readonly path: string }>> {
  return required(`the Java connector ${name}`, async () => {
    const artifact = { group: 'org.apache.pulsar', name: `pulsar-io-${name}`, version: PULSAR_VERSION }
    const key = `${artifact.name}-${PULSAR_VERSION}`
    const folder = await installOnce(servicesHome(), key, async ({ folder: into, signal }) => {
      await copyArtifact(artifact, into, signal)
      // What is a jar by its name is the NAR.
      await rename(join(into, `${artifact.name}.jar`), join(into, `${artifact.name}.nar`))
    })
    return { path: join(folder, `${artifact.name}.nar`) }
  })
}

/**
 * Gives a `pulsar-functions` of this machine a built-in connector, for `reload` to find. Resolves with its path there;
 * undefined for one that is somewhere else.
 */
export async function addBuiltin({ name, origin }: AvailableService, nar: string): Promise<string | undefined> {
  if (origin !== 'local') return undefined
  const path = join(builtinConnectors(join(servicesHome().instances, name)), basename(nar))
  await copyFile(nar, path)
  return path
}

async function required<T>(what: string, find: () => Promise<T>): Promise<Tool<T>> {
  try {
    return { available: true, ...(await find()) }
  } catch (error) {
    if (!(error instanceof MissingPrerequisite)) throw error
    if (inContinuousIntegration(process.env)) {
      throw new Error(`CI is set, so ${what} is required, but ${error.message}`, { cause: error })
    }
    return { available: false, reason: error.message }
  }
}
