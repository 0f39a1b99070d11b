import { servicesHome } from './home.ts'
import { releaseRun } from './lifecycle.ts'
import { self } from './process-identity.ts'
import { RUN_VARIABLE, runKey } from './run.ts'

/** For `globalSetup` in the vitest configuration: servers live as long as the run, and end with it. */
export default function setup(): () => Promise<void> {
  const run = runKey(self())
  process.env[RUN_VARIABLE] = run
  return () => releaseRun(servicesHome(), run)
}
