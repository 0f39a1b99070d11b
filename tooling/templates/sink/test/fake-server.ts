import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { Entry } from '../src/client.ts'

export const PASSWORD = 'a-password-that-nobody-may-see'

interface Question {
  readonly stream?: string
  readonly password?: string
  readonly append?: readonly Entry[]
}

/** Stands in for the system. Replace it by a real server as soon as there is one to test with. */
export class FakeServer {
  readonly #streams = new Map<string, Map<string, Entry>>()
  readonly #sockets = new Set<Socket>()
  readonly #server: Server = createServer(socket => {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    // A connection that is cut is what some tests are about.
    this.#serve(socket).catch(() => socket.destroy())
  })

  /** Resolves with `host:port`. */
  async start(): Promise<string> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve))
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise(resolve => this.#server.close(resolve))
  }

  create(stream: string): void {
    this.#streams.set(stream, new Map())
  }

  entries(stream: string): readonly Entry[] {
    return [...(this.#streams.get(stream)?.values() ?? [])]
  }

  async #serve(socket: Socket): Promise<void> {
    let stream: Map<string, Entry> | undefined
    for await (const line of linesOf(socket)) {
      const question = JSON.parse(line) as Question
      let answer: object = { error: 'denied' }
      if (question.password === PASSWORD) {
        stream = this.#streams.get(question.stream ?? '')
        answer = stream ? {} : { error: 'missing' }
      } else if (stream && question.append) {
        answer = { refused: append(stream, question.append) }
      }
      socket.write(`${JSON.stringify(answer)}\n`)
    }
  }
}

function append(stream: Map<string, Entry>, entries: readonly Entry[]): object[] {
  return entries.flatMap((entry, at) => {
    if (entry.value === 'refuse me') return [{ at, reason: 'the server refuses the value' }]
    if (!stream.has(entry.id)) stream.set(entry.id, entry)
    return []
  })
}

/** Whole lines only: what was cut off in the middle is none. */
async function* linesOf(socket: Socket): AsyncGenerator<string> {
  let rest = ''
  socket.setEncoding('utf8')
  for await (const piece of socket as AsyncIterable<string>) {
    const lines = (rest + piece).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}
