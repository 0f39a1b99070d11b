import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../command.ts'
import { MissingPrerequisite } from '../types.ts'
import { findProgram } from './programs.ts'

const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1'

export interface Artifact {
  readonly group: string
  readonly name: string
  readonly version: string
  /** `jar` when left out. */
  readonly type?: string
  readonly classifier?: string
}

async function mvn(args: readonly string[], signal: AbortSignal, cwd: string): Promise<void> {
  const program = await findProgram('mvn')
  if (!program) throw new MissingPrerequisite('Maven (mvn) is not on the PATH; on Debian: apt-get install maven')
  try {
    await run(program, ['-q', '-B', '--no-transfer-progress', ...args], { signal, cwd })
  } catch (error) {
    throw new MissingPrerequisite(`Maven could not bring the server's packages: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

async function inTemporaryFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pulsar-io-maven-'))
  try {
    await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Puts the jar of an artifact and of all that it needs at run time into `into`. */
export async function copyWithDependencies(artifact: Artifact, into: string, signal: AbortSignal): Promise<void> {
  const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>io.pulsar.services</groupId>
  <artifactId>${artifact.name}-libraries</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>${artifact.group}</groupId>
      <artifactId>${artifact.name}</artifactId>
      <version>${artifact.version}</version>
    </dependency>
  </dependencies>
</project>
`
  await inTemporaryFolder(async folder => {
    await writeFile(join(folder, 'pom.xml'), pom)
    await mvn([`${PLUGIN}:copy-dependencies`, '-DincludeScope=runtime', `-DoutputDirectory=${into}`], signal, folder)
  })
}

/** Unpacks a zip, jar or tar.gz into `into`; `includes` is a pattern of paths inside of it. */
export async function unpack(artifact: Artifact, into: string, signal: AbortSignal, includes = '**'): Promise<void> {
  const coordinates = `${artifact.group}:${artifact.name}:${artifact.version}:${artifact.type ?? 'jar'}${
    artifact.classifier === undefined ? '' : `:${artifact.classifier}`
  }`
  await inTemporaryFolder(folder =>
    mvn(
      [
        `${PLUGIN}:unpack`,
        `-Dartifact=${coordinates}`,
        `-Dmdep.unpack.includes=${includes}`,
        `-DoutputDirectory=${into}`,
      ],
      signal,
      folder,
    ),
  )
}

/** Puts the file of an artifact into `into`, as `<name>.jar`. */
export async function copyArtifact(artifact: Artifact, into: string, signal: AbortSignal): Promise<void> {
  const coordinates = `${artifact.group}:${artifact.name}:${artifact.version}:${artifact.type ?? 'jar'}`
  await inTemporaryFolder(folder =>
    mvn(
      [`${PLUGIN}:copy`, `-Dartifact=${coordinates}`, '-Dmdep.stripVersion=true', `-DoutputDirectory=${into}`],
      signal,
      folder,
    ),
  )
}
