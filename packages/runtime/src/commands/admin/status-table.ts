import type { ConnectorStatus, SinkInstanceStatus, SourceInstanceStatus } from '@pulsar-io/admin'
import { table } from '../../output.ts'

type Instance = SinkInstanceStatus | SourceInstanceStatus

/** Status as a table, with the errors of instances that do not run below it. */
export function statusTable(status: ConnectorStatus<Instance>): string {
  const rows = status.instances.map(({ instanceId, status: each }) => row(instanceId, each))
  const head = ['INSTANCE', 'STATE', 'READ', 'WRITTEN', 'LAG', 'RESTARTS', 'ERRORS', 'LAST RECEIVED', 'WORKER']
  const errors = status.instances.flatMap(({ instanceId, status: each }) => errorLines(instanceId, each))
  return `${table(head, rows)}\n${status.numRunning} of ${status.numInstances} instances run\n${errors.join('')}`
}

function row(id: number, status: Instance): readonly string[] {
  const sink = 'numReadFromPulsar' in status
  const failures = sink ? status.numSinkExceptions : status.numSourceExceptions
  return [
    String(id),
    status.state ?? (status.running ? 'running' : status.error ? 'failing' : 'stopped'),
    count(sink ? status.numReadFromPulsar : status.numReceivedFromSource),
    count(sink ? status.numWrittenToSink : status.numWritten),
    status.lag === undefined ? '-' : count(status.lag),
    count(status.numRestarts),
    count(status.numSystemExceptions + failures),
    status.lastReceivedTime > 0 ? new Date(status.lastReceivedTime).toISOString() : '-',
    status.workerId || '-',
  ]
}

function errorLines(id: number, status: Instance): readonly string[] {
  const remembered = [
    ...(status.latestSystemExceptions ?? []),
    ...(('numReadFromPulsar' in status ? status.latestSinkExceptions : status.latestSourceExceptions) ?? []),
  ].sort((a, b) => b.timestampMs - a.timestampMs)
  const why = status.error || status.reason
  const said = why ? [`instance ${id}: ${firstLine(why)}\n`] : []
  const past = remembered
    .slice(0, 3)
    .map(each => `instance ${id} at ${new Date(each.timestampMs).toISOString()}: ${firstLine(each.exceptionString)}\n`)
  return [...said, ...past]
}

/** Java's come with their stack. */
function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? ''
}

function count(n: number | undefined): string {
  return n === undefined ? '-' : n.toLocaleString('en-US')
}
