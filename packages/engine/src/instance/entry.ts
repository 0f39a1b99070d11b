import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import type { OptionCheck } from './option-problems.ts'
import type { HostMessage, InstanceMessage } from './protocol.ts'
import { runInstance } from './run-instance.ts'
import type { InstanceSpec } from './spec.ts'

// The first thing that runs in the thread or process of an instance.

if (parentPort && !isMainThread) {
  const port = parentPort
  if (isCheck(workerData)) {
    const { optionProblems } = await import('./option-problems.ts')
    port.postMessage(await optionProblems(workerData.check))
  } else {
    await runInstance(workerData as InstanceSpec, {
      send: message => port.postMessage(message),
      listen: listener => port.on('message', listener),
    })
  }
  port.close()
} else if (process.send) {
  const send = process.send.bind(process)
  let listener: ((message: HostMessage) => void) | undefined
  const spec = await new Promise<InstanceSpec>(resolve => {
    process.on('message', message => {
      if (isSpec(message)) resolve(message.spec)
      else listener?.(message as HostMessage)
    })
  })
  // Without its runtime nobody would stop it, and another instance may already have taken its place.
  process.on('disconnect', () => process.exit(1))
  // The terminal signals the whole group; the runtime decides when an instance stops.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined)
  await runInstance(spec, {
    send: message => void send(message satisfies InstanceMessage),
    listen: use => {
      listener = use
    },
  })
  process.removeAllListeners('disconnect')
  process.disconnect()
}

function isSpec(message: unknown): message is { spec: InstanceSpec } {
  return typeof message === 'object' && message !== null && 'spec' in message
}

function isCheck(data: unknown): data is { check: OptionCheck } {
  return typeof data === 'object' && data !== null && 'check' in data
}
