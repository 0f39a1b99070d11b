import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const CLI = fileURLToPath(new URL('../src/cli.ts', import.meta.url))

/** The connector of these tests. */
export const PROBE = fileURLToPath(new URL('./fixtures/probe', import.meta.url))

/** A command that ended. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A command that runs. */
export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Resolves once the output so far, stderr or stdout, matches. */
  saw(pattern: RegExp): Promise<RegExpExecArray>
}

/** Starts the command from source. */
export function start(cwd: string, args: readonly string[], input?: string): Running {
  const child = spawn(process.execPath, ['--conditions=pulsar-io-source', CLI, ...args], {
    cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  const looks = new Set<() => void>()
  const look = () => {
    for (const each of looks) each()
  }
  child.stdout.on('data', chunk => {
    stdout += String(chunk)
    look()
  })
  child.stderr.on('data', chunk => {
    stderr += String(chunk)
    look()
  })
  if (input !== undefined) child.stdin.end(input)
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }))
  const saw = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const check = () => {
        const found = pattern.exec(stderr) ?? pattern.exec(stdout)
        if (!found) return
        looks.delete(check)
        resolve(found)
      }
      looks.add(check)
      check()
      void ended.then(() => reject(new Error(`ended without ${pattern}:\n${stderr}`)))
    })
  return { child, ended, saw }
}

/** Runs the command to its end. */
export function cli(cwd: string, args: readonly string[], input = ''): Promise<Ended> {
  return start(cwd, args, input).ended
}
