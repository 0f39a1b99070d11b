import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addBuiltin, javaConnector, service } from '../../tooling/services/index.ts'
import { type Answer, answers, type Target, tool } from '../support/pulsar-admin.ts'
import { makeWorkspace, type Workspace } from '../support/user.ts'

/** Each command starts a JVM. */
const SCRIPT_MS = 600_000

const pulsar = await service('pulsar-functions')
const nar = await javaConnector('data-generator')
// A worker elsewhere has connectors of its own, and files that are not here.
const comparable = pulsar.available && pulsar.origin === 'local' && nar.available

/** What is not the same, by the field or the part of an answer, and why. docs/worker.md has the list for readers. */
const DIFFERENCES = {
  className: 'a connector here has no Java class: there stands its name and export',
  workerId: 'names of workers hold their addresses',
  builtin: 'each worker has its own built-in connectors, with descriptions of their own',
  list: "Pulsar's names come in no order",
} as const

let workspace: Workspace
let ours: Run
let theirs: Run | undefined

interface Run {
  readonly target: Target
  readonly answers: readonly Answer[]
}

beforeAll(async () => {
  if (!tool.available) return
  workspace = await makeWorkspace()
  const run = async (target: Target): Promise<Run> => ({ target, answers: await answers(target) })
  const runs = await Promise.all([ourWorker().then(run), comparable ? pulsarsWorker().then(run) : undefined])
  ours = runs[0]
  theirs = runs[1]
}, SCRIPT_MS)
afterAll(async () => {
  const { adminUrl = '' } = theirs?.target ?? {}
  const left = adminUrl === '' ? [] : ['up', 'bi', 'ur']
  for (const name of left) await fetch(`${adminUrl}/admin/v3/sink/public/default/${name}`, { method: 'DELETE' })
  await workspace?.close()
})

async function ourWorker(): Promise<Target> {
  const archive = workspace.path('connectors', 'file.tgz')
  const builtins = workspace.path('builtins')
  await mkdir(builtins)
  const url = pathToFileURL(builtins).href
  const worker = workspace.start(['worker', '--port', '0', '--connectors-dir', builtins, '--allow-url', `${url}/`])
  const [adminUrl] = await worker.while(() => /^http:\S+$/m.exec(worker.stdout), { what: 'the address of the worker' })
  // It is there only for who looks anew.
  await copyFile(archive, join(builtins, 'file.tgz'))
  return { adminUrl, archive, builtin: 'file', url: `${url}/file.tgz` }
}

async function pulsarsWorker(): Promise<Target> {
  if (!pulsar.available || !nar.available) throw new Error('there is no worker of Pulsar')
  const builtin = await addBuiltin(pulsar, nar.path)
  if (builtin === undefined) throw new Error('only a worker of this machine can be given a connector')
  const { adminUrl = '' } = pulsar
  return { adminUrl, archive: nar.path, builtin: 'data-generator', url: pathToFileURL(builtin).href }
}

/** An answer without what the {@link DIFFERENCES} name. */
function compared({ command: line, code, stdout, reason }: Answer, { archive, builtin, url }: Target): object {
  const [verb = ''] = line.split(' ')
  const plain = (text: string) =>
    text.replaceAll(url, '<url>').replaceAll(archive, '<archive>').replaceAll(builtin, '<builtin>')
  const base = { command: plain(line), code, reason: reason === undefined ? undefined : plain(reason) }
  if (verb === 'available-sinks') {
    // Name, description, a line of dashes.
    const names = stdout.split(/^-+$/m).map(each => each.trim().split('\n')[0] ?? '')
    return { ...base, names: names.filter(name => name === builtin).map(plain) }
  }
  try {
    const json: unknown = JSON.parse(plain(stdout))
    return { ...base, json: verb === 'list' && Array.isArray(json) ? [...json].sort() : masked(json) }
  } catch {
    return { ...base, stdout: plain(stdout) }
  }
}

function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name, name in DIFFERENCES ? `<${name}>` : masked(part)]),
  )
}

describe.skipIf(!tool.available)('pulsar-admin', () => {
  it('drives this worker, with uploaded, built-in and fetched archives', () => {
    const seen = ours.answers.map(({ command, code, stdout, reason }) => [
      command.split(' ')[0],
      code,
      code === 0 ? stdout.trim().split('\n')[0] : reason,
    ])
    expect(seen).toEqual([
      ['reload', 0, ''],
      ['available-sinks', 0, 'file'],
      ['create', 0, 'Created successfully'],
      ['create', 0, 'Created successfully'],
      ['create', 0, 'Created successfully'],
      ['create', 1, 'Sink up already exists'],
      ['create', 1, "Invalid sink type 'nonsense' -- Available sinks are: [file]"],
      ['list', 0, '['],
      ['get', 0, '{'],
      ['get', 0, '{'],
      ['status', 0, '{'],
      ['status', 1, "Sink up doesn't have instance with id 7"],
      ['update', 0, 'Updated successfully'],
      ['update', 1, 'Update contains no change'],
      ['stop', 0, 'Stopped successfully'],
      ['start', 0, 'Started successfully'],
      ['restart', 0, 'Restarted successfully'],
      ['delete', 0, 'Deleted successfully'],
      ['get', 1, "Sink up doesn't exist"],
    ])
  })

  it.skipIf(!comparable)("is answered as by Pulsar's own worker", () => {
    if (theirs === undefined) throw new Error('there are no answers to compare with')
    const { target, answers: all } = theirs
    expect(ours.answers.map(each => compared(each, ours.target))).toEqual(all.map(each => compared(each, target)))
  })
})
