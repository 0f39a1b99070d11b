import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Home } from './home.ts'

/** Starts `guardian.ts`, which ends at once when the home has one already. */
export function startGuardian(home: Home): void {
  const child = spawn(process.execPath, ['--no-warnings', fileURLToPath(new URL('./guardian.ts', import.meta.url))], {
    cwd: home.root,
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, NODE_OPTIONS: '', SERVICES_HOME: home.root },
  })
  // Without it the next `service()` still cleans up.
  child.on('error', error => console.warn(`cannot start the guardian of test servers: ${error.message}`))
  child.unref()
}
