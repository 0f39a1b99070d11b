/**
 * `npm start`: a source, a topic and a sink run from their archives, and a real data set goes through them.
 * On a terminal the pipeline stays up; with `--once`, or without a terminal, it ends when everything is out.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { earthquakes } from './dataset.ts'
import { Pipeline } from './pipeline.ts'
import { freePort } from './ports.ts'
import { send } from './send.ts'
import { elasticsearchTarget, fileTarget, type Target } from './target.ts'

const root = join(import.meta.dirname, '..', '..')
const FOLDER = '.pulsar-io/start'
const FILE = `${FOLDER}/pipeline.yaml`

/** Milliseconds that all of it may take; it takes seconds. */
const LIMIT_MS = 120_000

const USAGE = `Usage: npm start [-- --once]

Runs an HTTP source, a topic and a file sink, and sends the earthquakes of a week through them.
With ELASTICSEARCH_URL set, the records go to that server instead of a file.

  --once  end when everything is out (the default where there is no terminal)
`

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { once: { type: 'boolean', default: !process.stdout.isTTY }, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help) {
    console.log(USAGE)
    return 0
  }
  const address = process.env.ELASTICSEARCH_URL
  const target = address ? elasticsearchTarget(address) : fileTarget(root, FOLDER)
  const missing = ['connectors/netty.tgz', target.sink.archive].filter(path => !existsSync(join(root, path)))
  if (missing.length > 0) throw new Error(`not packed: ${missing.join(', ')}; run pnpm pack:connectors`)
  return run(target, values.once)
}

async function run(target: Target, once: boolean): Promise<number> {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort(signal))
  // The bootstrap is gone: nobody is left to pass on a signal.
  process.on('disconnect', () => stop.abort('SIGTERM'))
  process.channel?.unref()
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(LIMIT_MS)])

  const [port, statusPort] = [await freePort(10_999), await freePort(11_999)]
  const url = `http://127.0.0.1:${port}/`
  let pipeline: Pipeline | undefined
  try {
    say(`Starting ${url} → topic earthquakes → ${target.place}`)
    pipeline = await Pipeline.start({ root, file: FILE, target, port, statusPort }, signal)
    const before = await pipeline.until(progress => progress.waiting === 0, signal)
    const countBefore = await target.count()
    const records = await earthquakes()
    say(`Sending ${number(records.length)} records`)
    const begin = performance.now()
    await send(url, records, signal)
    // The two report on their own: the sink may be first to tell of the last record.
    const after = await pipeline.until(
      ({ published, written }) => Math.min(published - before.published, written - before.written) >= records.length,
      signal,
    )
    const seconds = ((performance.now() - begin) / 1000).toFixed(1)
    const arrived = (await target.count()) - countBefore
    const published = after.published - before.published
    if (published !== records.length || arrived !== records.length)
      throw new Error(
        `${records.length} records were sent, ${published} are in the topic, ${arrived} in ${target.place}`,
      )
    report(
      target,
      `${number(published)} records in, ${number(arrived)} records out, in ${seconds} s`,
      once ? undefined : url,
    )
  } catch (error) {
    await pipeline?.stop()
    if (stop.signal.aborted) return 0
    throw signal.aborted ? new Error(`not done after ${LIMIT_MS / 1000} s; it was stopped`, { cause: error }) : error
  }
  if (once) return pipeline.stop()
  await Promise.race([pipeline.ended, aborted(stop.signal)])
  return pipeline.stop(stop.signal.reason as NodeJS.Signals | undefined)
}

function report(target: Target, numbers: string, url: string | undefined): void {
  const commands = [
    ...(url ? [`curl -d '{"place": "here", "mag": 1}' ${url}`] : []),
    target.look,
    'npx runtime topics stats earthquakes',
    ...(url ? [] : [`npx runtime connectors inspect ${target.sink.archive}`]),
  ]
  say(`\n${numbers}\nThey are in ${target.place}\n\nTry next:`)
  for (const command of commands) say(`  ${command}`)
  say(url ? '\nThe pipeline stays up; Ctrl-C ends it.\n' : '')
}

/** Prints above the live line that the runtime keeps at the bottom of a terminal. */
function say(text: string): void {
  console.log(process.stdout.isTTY ? `\r\u001b[K${text}` : text)
}

const number = (value: number) => value.toLocaleString('en-US')

const aborted = (signal: AbortSignal) =>
  new Promise<void>(resolve => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  console.error(error instanceof Error ? `error: ${error.message}` : error)
  process.exitCode = 1
}
