import { isMainThread, parentPort } from 'node:worker_threads'
import type { Assignment, HostMessage, InstanceMessage } from './protocol.ts'
import { runInstance } from './run-instance.ts'

// The first thing that runs in the thread or process of an instance.

if (parentPort && !isMainThread) {
  const port = parentPort
  const { assignment, listen } = inbox(use => port.on('message', use))
  const given = await assignment
  if ('check' in given) {
    const { optionProblems } = await import('./option-problems.ts')
    port.postMessage(await optionProblems(given.check))
  } else {
    await runInstance(given.spec, { isolation: 'thread', send: message => port.postMessage(message), listen })
  }
  // What a connector left open would keep its thread for ever.
  process.exit()
} else if (process.send) {
  const send = process.send.bind(process)
  const { assignment, listen } = inbox(use => process.on('message', use))
  const given = await assignment
  if (!('spec' in given)) throw new Error('a process is for an instance')
  // Without its runtime nobody would stop it, and another instance may already have taken its place.
  process.on('disconnect', () => process.exit(1))
  // The terminal signals the whole group; the runtime decides when an instance stops.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined)
  await runInstance(given.spec, {
    isolation: 'process',
    send: message => void send(message satisfies InstanceMessage),
    listen,
  })
  process.removeAllListeners('disconnect')
  // The same for its process; what it said last is on its way before the line is closed.
  process.once('disconnect', () => process.exit())
  process.disconnect()
}

/** The assignment, and then the messages of the runtime. */
function inbox(on: (use: (message: unknown) => void) => void) {
  let listener: ((message: HostMessage) => void) | undefined
  const assignment = new Promise<Assignment>(resolve => {
    on(message => {
      if (isAssignment(message)) resolve(message)
      else listener?.(message as HostMessage)
    })
  })
  const listen = (use: (message: HostMessage) => void): void => {
    listener = use
  }
  return { assignment, listen }
}

function isAssignment(message: unknown): message is Assignment {
  return typeof message === 'object' && message !== null && ('spec' in message || 'check' in message)
}
