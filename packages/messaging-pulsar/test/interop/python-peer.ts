import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Python } from '@pulsar-io/tooling/services'
import type { CompressionType } from '../../src/index.ts'

/** Schemas that both sides know; a payload is base64 of BYTES, text of STRING, JSON of the two others. */
export type InteropSchema = 'BYTES' | 'STRING' | 'JSON' | 'AVRO'

/** A message as both sides tell each other about it. */
export interface PeerMessage {
  readonly payload: string
  readonly key?: string | undefined
  readonly orderingKey?: string | undefined
  readonly properties?: Readonly<Record<string, string>> | undefined
  readonly eventTime?: number | undefined
  readonly sequenceId?: string | undefined
}

/** How the peer writes. */
export interface PeerProduce {
  readonly topic: string
  readonly compression: CompressionType
  readonly batched: boolean
  readonly chunked: boolean
  readonly schema?: InteropSchema
  readonly name?: string
  readonly messages: readonly PeerMessage[]
}

/** What the peer read. */
export interface PeerReceived extends PeerMessage {
  readonly partition: number
  readonly producerName: string
  readonly tombstone: boolean
}

/** Pulsar's Python client in a process of its own. One request at a time. */
export class PythonPeer {
  private readonly child: ChildProcess
  private readonly lines: Interface
  private readonly answers: AsyncIterator<string>

  constructor(python: Extract<Python, { available: true }>, serviceUrl: string) {
    const program = fileURLToPath(new URL('./peer.py', import.meta.url))
    this.child = spawn(python.command, [program, serviceUrl], {
      env: { ...process.env, ...python.env },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    // A peer that ended shows in the answer that does not come.
    this.child.stdin?.on('error', () => undefined)
    if (!this.child.stdout) throw new Error('the process of the peer has no output')
    this.lines = createInterface({ input: this.child.stdout })
    this.answers = this.lines[Symbol.asyncIterator]()
  }

  async produce(request: PeerProduce): Promise<void> {
    await this.ask({ do: 'produce', ...request })
  }

  async consume(topic: string, count: number, schema: InteropSchema = 'BYTES'): Promise<readonly PeerReceived[]> {
    const { messages } = await this.ask({ do: 'consume', topic, count, schema })
    return messages as readonly PeerReceived[]
  }

  async close(): Promise<void> {
    this.child.stdin?.end()
    if (this.child.exitCode === null) await once(this.child, 'exit')
    this.lines.close()
  }

  private async ask(request: object): Promise<Readonly<Record<string, unknown>>> {
    this.child.stdin?.write(`${JSON.stringify(request)}\n`)
    const { value, done } = await this.answers.next()
    if (done) throw new Error(`the peer ended with code ${this.child.exitCode}`)
    const answer = JSON.parse(value) as Readonly<Record<string, unknown>>
    if (answer.error !== undefined) throw new Error(`the peer: ${answer.error}`)
    return answer
  }
}
