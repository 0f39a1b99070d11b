import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { loadConnector, resolveArchive } from '@pulsar-io/engine'
import type { Emit, PushSource, SourceRecord } from '@pulsar-io/sdk'
import { createSourceContext } from '@pulsar-io/testkit'
import { ratios, spread } from './stats.ts'
import type { Bench } from './types.ts'

const LINES = 2_000_000
const BYTES = 100
const LF = 10

/** Sends the lines to a port, in a process of its own so that it takes no time from who reads them. */
const SENDER = `
  const { connect } = require('node:net')
  const [port, lines, bytes] = process.argv.slice(1).map(Number)
  const block = Buffer.from(('x'.repeat(bytes - 1) + '\\n').repeat(1000))
  const socket = connect(port, '127.0.0.1')
  let left = lines / 1000
  const send = () => {
    while (left-- > 0) if (!socket.write(block)) return socket.once('drain', send)
    socket.end()
  }
  socket.resume().once('connect', send)
`

/**
 * The tcp source of the archive, driven as the engine drives it by one that takes every record at once, against a bare
 * socket of Node that cuts what it reads into lines and counts them.
 */
export const netty: Bench = async ({ root, rounds }) => {
  const archive = await resolveArchive(join(root, 'connectors', 'netty.tgz'))
  const definition = await loadConnector(archive, 'source')
  const parsed = definition.parse({ port: 0 })
  if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join('; '))
  const ours = (): Promise<number> => throughSource(definition.create() as PushSource, parsed.config)
  const [source, loop]: [number[], number[]] = [[], []]
  for (let round = 0; round <= rounds; round++) {
    const plainFirst = round % 2 === 0
    const first = await (plainFirst ? bareSocket() : ours())
    const second = await (plainFirst ? ours() : bareSocket())
    // The first round warms up and does not count.
    if (round === 0) continue
    loop.push(plainFirst ? first : second)
    source.push(plainFirst ? second : first)
  }
  const ratio = ratios(source, loop)
  return [
    {
      name: `${BYTES} B lines over TCP → Netty source`,
      unit: 'lines/s',
      value: spread(source),
      reference: { name: 'bare socket that reads lines', value: spread(loop), ratio },
      goal: 'ratio ≥ 0.7',
      reached: ratio.median >= 0.7,
    },
  ]
}

/** Lines per second from the first records to the last. */
async function throughSource(source: PushSource, config: unknown): Promise<number> {
  const context = createSourceContext()
  let count = 0
  let start = 0
  let end = (_: number): void => undefined
  const done = new Promise<number>(resolve => {
    end = resolve
  })
  const emit: Emit = async given => {
    start ||= performance.now()
    const records = (Array.isArray(given) ? given : [given]) as readonly SourceRecord[]
    for (const record of records) record.ack?.()
    count += records.length
    if (count === LINES) end((performance.now() - start) / 1000)
  }
  await source.open(config, context, emit)
  const listening = context.logger.entries.find(({ message }) => message.startsWith('listening'))
  const sent = send(Number(listening?.fields.port))
  const seconds = await done
  await sent
  await source.close()
  return LINES / seconds
}

async function bareSocket(): Promise<number> {
  let count = 0
  let start = 0
  let rest: Buffer = Buffer.alloc(0)
  const server = createServer()
  const seconds = new Promise<number>(resolve => {
    server.on('connection', socket => {
      socket.on('data', (chunk: Buffer) => {
        start ||= performance.now()
        const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
        const lines: Buffer[] = []
        let from = 0
        for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, from)) {
          lines.push(bytes.subarray(from, at))
          from = at + 1
        }
        rest = bytes.subarray(from)
        count += lines.length
        if (count === LINES) resolve((performance.now() - start) / 1000)
      })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sent = send((server.address() as AddressInfo).port)
  const took = await seconds
  await sent
  server.close()
  return LINES / took
}

async function send(port: number): Promise<void> {
  const child = spawn(process.execPath, ['-e', SENDER, String(port), String(LINES), String(BYTES)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`what sends the lines ended with ${code}`)
}
