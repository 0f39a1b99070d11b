/**
 * A worker whose instances do nothing but claim, over and over, to be the only one: `child.ts JSON`.
 * Each claim bears the time before it was checked, on the clock that all processes of a machine share.
 */
import { appendFileSync } from 'node:fs'
import { type MessagingAddress, openMessaging } from '@pulsar-io/engine'
import { joinCluster } from '../../../src/cluster/join.ts'
import { type InstanceKey, instanceKey } from '../../../src/coordination.ts'

/** What it is told. */
export interface ChildOptions {
  readonly messaging: MessagingAddress
  readonly namespace: string
  readonly workerId: string
  readonly leaseMs: number
  /** Where the claims go. */
  readonly file: string
  readonly instances: number
}

const { messaging, namespace, workerId, leaseMs, file, instances } = JSON.parse(process.argv[2] ?? '') as ChildOptions
const wanted = Array.from({ length: instances }, (_, i) => instanceKey('public/default/c', i))
const now = () => process.hrtime.bigint().toString()

const client = await openMessaging(messaging)
const coordinator = await joinCluster({
  client,
  info: { workerId, workerHostname: '127.0.0.1', port: 1, url: 'http://127.0.0.1:1' },
  leaseMs,
  store: `${namespace}/cluster`,
  topic: `persistent://${namespace}/coordinate`,
  log: (level, message, fields) => process.send?.({ log: `${level} ${message} ${JSON.stringify(fields ?? {})}` }),
})
/** Instance → which of its runs in this process. */
const running = new Map<InstanceKey, number>()
let runs = 0

const claim = (time: string, key: InstanceKey, run: number) =>
  appendFileSync(file, `${time} ${key} ${workerId} ${process.pid} ${run}\n`)

function reconcile(): void {
  process.send?.({ leader: coordinator.isLeader() })
  if (coordinator.isLeader()) void coordinator.propose(wanted).catch(() => undefined)
  const mine = coordinator.mine()
  for (const key of [...running.keys()]) {
    if (mine.has(key)) continue
    running.delete(key)
    coordinator.released(key)
  }
  for (const key of mine) {
    if (running.has(key) || !coordinator.take(key)) continue
    runs += 1
    running.set(key, runs)
    claim(now(), key, runs)
  }
}

coordinator.onChange(reconcile)
reconcile()
setInterval(() => {
  for (const [key, run] of running) {
    const time = now()
    if (coordinator.take(key)) claim(time, key, run)
  }
}, 20)
