import { fileURLToPath } from 'node:url'
import type { Isolation } from '../api.ts'
import { toFailure } from '../failure.ts'
import type { InstanceLease } from '../lease.ts'
import { needsOwnProcess } from '../messaging.ts'
import type { Assignment, HostMessage, InstanceEnd, InstanceMessage } from './protocol.ts'
import { runInstance } from './run-instance.ts'
import type { InstanceSpec } from './spec.ts'
import type { StandbyThread } from './standby.ts'
import { entry, startThread } from './thread.ts'

const MIB = 1024 * 1024

/** An instance that was started. */
export interface LaunchedInstance {
  /** Keeps it from taking records, or lets it again. */
  hold(held: boolean): void
  /** Asks it to stop; it ends once it has drained. */
  stop(drainTimeoutMs: number): void
  /** Ends it at once; resolves when it is gone. What was not settled will be handed out again. */
  kill(): Promise<void>
}

/**
 * Starts an instance in its isolation. `onMessage` gets every message; the last one is always `ended`, also when the
 * thread or process dies without a word. A standby thread is taken where it will do.
 */
export function launch(
  spec: InstanceSpec,
  isolation: Isolation,
  onMessage: (message: InstanceMessage) => void,
  lease?: InstanceLease,
  standby?: StandbyThread,
): LaunchedInstance {
  const receive = untilEnd(onMessage)
  if (isolation === 'process' || (isolation === 'thread' && needsOwnProcess(spec.messaging))) {
    return launchProcess(spec, receive, lease)
  }
  const leased = lease === undefined ? spec : { ...spec, lease: lease.memory }
  return isolation === 'inline' ? launchInline(leased, receive) : launchThread(leased, receive, standby)
}

function launchThread(
  spec: InstanceSpec,
  receive: (message: InstanceMessage) => void,
  standby: StandbyThread | undefined,
): LaunchedInstance {
  const heapMB = heapOf(spec)
  // A limit is set when a thread starts.
  const waiting = heapMB === undefined ? standby?.take() : undefined
  const worker = waiting ?? startThread(`${spec.fqn}-${spec.instanceId}`, heapMB)
  worker.on('message', receive)
  worker.on('error', error => receive(died(error)))
  worker.on('exit', code => receive(died(new Error(`the thread ended by itself with code ${code}`))))
  worker.postMessage({ spec } satisfies Assignment)
  return {
    hold: held => worker.postMessage({ type: 'hold', held } satisfies HostMessage),
    stop: drainTimeoutMs => worker.postMessage({ type: 'stop', drainTimeoutMs } satisfies HostMessage),
    kill: async () => void (await worker.terminate()),
  }
}

function launchProcess(
  spec: InstanceSpec,
  receive: (message: InstanceMessage) => void,
  lease: InstanceLease | undefined,
): LaunchedInstance {
  const heapMB = heapOf(spec)
  const memory = heapMB === undefined ? [] : [`--max-old-space-size=${heapMB}`]
  // Loaded here: it brings sockets along, and most runs have no processes.
  const { fork } = process.getBuiltinModule('node:child_process')
  const child = fork(fileURLToPath(entry), [], {
    serialization: 'advanced',
    execArgv: [...process.execArgv, ...memory],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  child.on('message', message => receive(message as InstanceMessage))
  child.on('error', error => receive(died(error)))
  child.on('exit', (code, signal) =>
    receive(
      died(new Error(signal ? `the process was ended by ${signal}` : `the process ended by itself with code ${code}`)),
    ),
  )
  const tell = (message: HostMessage | Assignment) => {
    // A failure means that the process is ending, which is heard of by itself.
    if (child.connected) child.send(message, () => undefined)
  }
  tell({ spec: lease === undefined ? spec : { ...spec, lease: lease.until } })
  const forget = lease?.onRenew(until => tell({ type: 'lease', until }))
  for (const event of ['exit', 'error']) if (forget !== undefined) child.once(event, forget)
  return {
    hold: held => tell({ type: 'hold', held }),
    stop: drainTimeoutMs => tell({ type: 'stop', drainTimeoutMs }),
    kill: () =>
      new Promise(resolve => {
        if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
          resolve()
          return
        }
        child.once('exit', () => resolve())
        child.kill('SIGKILL')
      }),
  }
}

function launchInline(spec: InstanceSpec, receive: (message: InstanceMessage) => void): LaunchedInstance {
  let listener: ((message: HostMessage) => void) | undefined
  void runInstance(spec, {
    isolation: 'inline',
    send: receive,
    listen: use => {
      listener = use
    },
  })
  return {
    hold: held => listener?.({ type: 'hold', held }),
    stop: drainTimeoutMs => listener?.({ type: 'stop', drainTimeoutMs }),
    // Nothing can end it from outside but its own stop.
    kill: async () => listener?.({ type: 'stop', drainTimeoutMs: 0 }),
  }
}

/** MiB of heap at most; V8 does not start with less than 16. */
function heapOf({ memoryLimit }: InstanceSpec): number | undefined {
  return memoryLimit === undefined ? undefined : Math.max(16, Math.floor(memoryLimit / MIB))
}

/** Passes messages on until the first `ended`; a dying thread reports its end more than once. */
function untilEnd(onMessage: (message: InstanceMessage) => void): (message: InstanceMessage) => void {
  let ended = false
  return message => {
    if (ended) return
    ended = message.type === 'ended'
    onMessage(message)
  }
}

function died(error: Error): InstanceMessage {
  const end: InstanceEnd = { how: 'failed', failure: toFailure(error) }
  return { type: 'ended', end }
}
