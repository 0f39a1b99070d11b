import { execFile } from 'node:child_process'
import { pulsarAdmin } from '../../tooling/services/index.ts'
import { until } from './until.ts'

/** Pulsar's own command. */
export const tool = await pulsarAdmin()

/** A worker that the script is run against. */
export interface Target {
  readonly adminUrl: string
  /** An archive on this machine. */
  readonly archive: string
  /** A connector that the worker finds when it looks anew. */
  readonly builtin: string
  /** Its archive, as an address that the worker takes. */
  readonly url: string
}

/** What one command answered. */
export interface Answer {
  readonly command: string
  readonly code: number
  readonly stdout: string
  /** What pulsar-admin gives as the reason. */
  readonly reason: string | undefined
}

/** What an operator does with sinks, and whether instances have to run before the next step. */
const SCRIPT: readonly { readonly args: (target: Target) => string; readonly running?: number }[] = [
  { args: () => 'reload' },
  { args: () => 'available-sinks' },
  {
    args: ({ archive }) => `create --name up --archive ${archive} --inputs pa-in --sink-config {"path":"pa.out"}`,
    running: 1,
  },
  {
    args: ({ builtin }) =>
      `create --name bi --sink-type ${builtin} --inputs pa-in,pa-more --sink-config {"path":"pb.out"} --subs-position Earliest --retain-ordering`,
  },
  { args: ({ url }) => `create --name ur --archive ${url} --inputs pa-in --sink-config {"path":"pc.out"}` },
  { args: ({ archive }) => `create --name up --archive ${archive} --inputs pa-in --sink-config {"path":"pa.out"}` },
  { args: () => 'create --name no --sink-type nonsense --inputs pa-in' },
  { args: () => 'list' },
  { args: () => 'get --name up' },
  { args: () => 'get --name bi' },
  { args: () => 'status --name up' },
  { args: () => 'status --name up --instance-id 7' },
  { args: () => 'update --name up --parallelism 2', running: 2 },
  { args: () => 'update --name up --parallelism 2' },
  { args: () => 'stop --name up', running: 0 },
  { args: () => 'start --name up --instance-id 0', running: 1 },
  { args: () => 'restart --name up' },
  { args: () => 'delete --name up' },
  { args: () => 'get --name up' },
]

/** Runs the script, one command after the other. */
export async function answers(target: Target): Promise<readonly Answer[]> {
  const all: Answer[] = []
  for (const { args, running } of SCRIPT) {
    const answer = await command(target, args(target))
    all.push(answer)
    // One that failed is told by the comparison.
    if (running !== undefined && answer.code === 0) await instances(target, running)
  }
  return all
}

function command({ adminUrl }: Target, line: string): Promise<Answer> {
  if (!tool.available) throw new Error(tool.reason)
  const args = ['--admin-url', adminUrl, 'sinks', ...line.split(' ')]
  return new Promise(resolve => {
    execFile(tool.command, args, { env: tool.env }, (error, stdout, stderr) => {
      resolve({
        command: line,
        code: typeof error?.code === 'number' ? error.code : 0,
        // Its log goes to stdout as well.
        stdout: stdout.replace(/^\d{4}-\d\d-\d\dT\S+ \[.*\n/gm, ''),
        reason: /^Reason: (.*)$/m.exec(stderr)?.[1] ?? stderr.split('\n')[0],
      })
    })
  })
}

async function instances({ adminUrl }: Target, running: number): Promise<void> {
  await until(
    async () => {
      const answer = await fetch(`${adminUrl}/admin/v3/sink/public/default/up/status`)
      const status = (await answer.json()) as { readonly numRunning: number; readonly numInstances: number }
      return status.numRunning === running && status.numInstances >= running
    },
    { withinMs: 90_000, pollMs: 200, what: `${running} running instances at ${adminUrl}` },
  )
}
