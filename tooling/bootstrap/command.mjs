import { spawn } from 'node:child_process'

/** A command that did not end with exit code 0. `output` is what it printed, where that was kept. */
export class CommandError extends Error {
  constructor(command, code, output) {
    super(`${command} ended with exit code ${code}`)
    this.name = 'CommandError'
    this.code = code
    this.output = output
  }
}

const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }

/** The exit code that a shell would report. */
const exitCode = (code, signal) => code ?? 128 + (SIGNAL_NUMBERS[signal] ?? 0)

/** Runs a command quietly and resolves with its output. Rejects with a {@link CommandError} that carries it. */
export function quietly(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const collect = chunk => {
      output += chunk
    }
    child.stdout.setEncoding('utf8').on('data', collect)
    child.stderr.setEncoding('utf8').on('data', collect)
    const stopForwarding = forwardSignals(child)
    child.on('error', error => {
      stopForwarding()
      reject(error)
    })
    child.on('close', (code, signal) => {
      const caught = stopForwarding()
      if (caught) process.exit(128 + SIGNAL_NUMBERS[caught])
      if (code === 0) resolve(output)
      else reject(new CommandError(command, exitCode(code, signal), output))
    })
  })
}

/**
 * Runs a command on this terminal and resolves with its exit code.
 *
 * It gets a session of its own, so that Ctrl-C reaches it once: the terminal and npm both signal this process, and a
 * program that drains at the first signal must not take the echo for a second one. The IPC channel closes when this
 * process dies, however it dies.
 */
export function inForeground(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, detached: true, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
    const stopForwarding = forwardSignals(child)
    child.on('error', error => {
      stopForwarding()
      reject(error)
    })
    child.on('exit', (code, signal) => {
      stopForwarding()
      resolve(exitCode(code, signal))
    })
  })
}

/** Two signals within this many milliseconds are one: the terminal's and npm's copy of it. */
const ECHO_MS = 500

/** Passes signals on to a child. Returns how to stop, which tells the last signal that came. */
function forwardSignals(child) {
  let last
  let lastTime = 0
  const forward = signal => {
    const now = Date.now()
    if (now - lastTime > ECHO_MS) child.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal)
    last = signal
    lastTime = now
  }
  for (const signal of Object.keys(SIGNAL_NUMBERS)) process.on(signal, forward)
  return () => {
    for (const signal of Object.keys(SIGNAL_NUMBERS)) process.off(signal, forward)
    return last
  }
}
