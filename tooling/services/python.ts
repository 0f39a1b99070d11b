import { run } from './command.ts'
import { servicesHome } from './home.ts'
import { installOnce } from './install/install.ts'
import { findProgram } from './install/programs.ts'
import { inContinuousIntegration } from './service.ts'
import { MissingPrerequisite } from './types.ts'

/** A Python that can import what was asked for, or why there is none. */
export type Python =
  | { readonly available: true; readonly command: string; readonly env: Readonly<Record<string, string>> }
  | { readonly available: false; readonly reason: string }

/**
 * The machine's Python with packages from PyPI, each as `name==version`, installed below the services' home and nowhere
 * else.
 * @throws with `CI` set, when there is none.
 */
export async function python(...packages: readonly string[]): Promise<Python> {
  try {
    return await withPackages(packages)
  } catch (error) {
    if (!(error instanceof MissingPrerequisite)) throw error
    if (inContinuousIntegration(process.env)) {
      throw new Error(`CI is set, so ${packages.join(' ')} is required, but ${error.message}`, { cause: error })
    }
    return { available: false, reason: error.message }
  }
}

async function withPackages(packages: readonly string[]): Promise<Python> {
  const command = await findProgram('python3')
  if (!command) throw new MissingPrerequisite('python3 is not on the PATH; on Debian: apt-get install python3-pip')
  // Wheels with native code are for one version of Python.
  const version = (await run(command, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'])).trim()
  const key = `python-${version}-${packages.join('-').replaceAll('==', '-')}`
  const folder = await installOnce(servicesHome(), key, async ({ folder: into, signal }) => {
    const options = ['--quiet', '--no-compile', '--disable-pip-version-check', '--root-user-action=ignore']
    try {
      await run(command, ['-m', 'pip', 'install', ...options, '--target', into, ...packages], { signal })
    } catch (error) {
      throw new MissingPrerequisite(`pip could not bring ${packages.join(' ')}: ${(error as Error).message}`, {
        cause: error,
      })
    }
  })
  return { available: true, command, env: { PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: '1' } }
}
