import { spawn } from 'node:child_process'

const KEPT_OUTPUT = 8_000

/**
 * Runs a program to its end and gives what it printed (the last part of it).
 * @throws with the end of the output when it cannot start or ends with another code than 0.
 */
export function run(
  command: string,
  args: readonly string[],
  options: { signal?: AbortSignal; cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-KEPT_OUTPUT)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output)
      else reject(new Error(`${command} ended with ${signal ?? `code ${code}`}:\n${output.trim()}`))
    })
  })
}
