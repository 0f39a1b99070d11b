import { EXIT } from './exit.ts'

/** Waits for somebody to stop the command. */
export interface Stop {
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal
  /** Lets go of the signals. */
  release(): void
}

/** The first signal asks for an orderly end; the second one ends the process at once, after `leave`. */
export function onStop(leave: () => void = () => undefined): Stop {
  const controller = new AbortController()
  const handler = (name: NodeJS.Signals) => {
    if (!controller.signal.aborted) {
      controller.abort(name)
      return
    }
    leave()
    process.exit(name === 'SIGINT' ? EXIT.interrupted : EXIT.terminated)
  }
  process.on('SIGINT', handler)
  process.on('SIGTERM', handler)
  return {
    signal: controller.signal,
    release() {
      process.off('SIGINT', handler)
      process.off('SIGTERM', handler)
    },
  }
}
