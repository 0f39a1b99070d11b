import { StandbyThread } from '@pulsar-io/engine/standby'
import { normalizeArguments, runsConnectors } from './arguments.ts'

/** Runs the command line `args` (without node and script) in this process and resolves with its exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const words = normalizeArguments(args)
  const standby = runsConnectors(words) ? new StandbyThread() : undefined
  try {
    // Loaded here: the thread starts meanwhile.
    const { runCommand } = await import('./run-command.ts')
    return await runCommand(words, standby)
  } finally {
    await standby?.discard()
  }
}
