import { run } from '../command.ts'
import { MissingPrerequisite } from '../types.ts'
import { findProgram } from './programs.ts'

/**
 * Installs a Debian package into the system, which only root can do. Packages that others are installing are waited for.
 *
 * @throws MissingPrerequisite with the command for root, where we are not root, there is no apt, or it fails
 */
export async function aptInstall(name: string, signal: AbortSignal): Promise<void> {
  const command = `apt-get install ${name}`
  const apt = await findProgram('apt-get')
  if (apt === undefined)
    throw new MissingPrerequisite(`${name} is missing, and there is no apt-get here; install it another way`)
  if (process.getuid?.() !== 0) throw new MissingPrerequisite(`the package ${name} is missing; as root: ${command}`)
  const options = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3', '-q', '-y']
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const install = () => run(apt, [...options, 'install', '--no-install-recommends', name], { signal, env })
  try {
    // Lists that are old or empty know nothing of the package, and only then are worth the wait.
    await install().catch(async () => {
      await run(apt, [...options, 'update'], { signal, env })
      await install()
    })
  } catch (error) {
    throw new MissingPrerequisite(`${command} failed: ${(error as Error).message}`)
  }
}
