import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { Entry } from '../src/client.ts'

export const PASSWORD = 'a-password-that-nobody-may-see'

interface Question {
  readonly stream?: string
  readonly password?: string
  readonly take?: number
  readonly acknowledge?: string
}

/** Stands in for the system. Replace it by a real server as soon as there is one to test with. */
export class FakeServer {
  readonly #streams = new Map<string, Stream>()
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
    this.#streams.set(stream, new Stream())
  }

  add(stream: string, entries: readonly Entry[]): void {
    this.#streams.get(stream)?.add(entries)
  }

  /** Entries that are handed out and not acknowledged. */
  unacknowledged(stream: string): number {
    return this.#streams.get(stream)?.out.size ?? 0
  }

  async #serve(socket: Socket): Promise<void> {
    let stream: Stream | undefined
    const mine = new Map<string, Entry>()
    socket.once('close', () => stream?.giveBack(mine))
    const answer = (text: object) => socket.write(`${JSON.stringify(text)}\n`)
    for await (const line of linesOf(socket)) {
      const question = JSON.parse(line) as Question
      if (question.password === PASSWORD) {
        stream = this.#streams.get(question.stream ?? '')
        answer(stream ? {} : { error: 'missing' })
      } else if (!stream) {
        answer({ error: 'denied' })
      } else if (question.acknowledge !== undefined) {
        mine.delete(question.acknowledge)
        stream.out.delete(question.acknowledge)
      } else {
        // Not waited for: the end of the connection has to be seen meanwhile.
        void stream.take(question.take ?? 1, socket, mine).then(entries => answer({ entries }))
      }
    }
  }
}

/** Entries that wait, and those that are handed out. */
class Stream {
  readonly out = new Set<string>()
  #waiting: Entry[] = []
  #wake = Promise.withResolvers<void>()

  add(entries: readonly Entry[]): void {
    this.#waiting.push(...entries)
    this.#wake.resolve()
    this.#wake = Promise.withResolvers()
  }

  async take(count: number, socket: Socket, mine: Map<string, Entry>): Promise<readonly Entry[]> {
    while (this.#waiting.length === 0 && !socket.destroyed) await this.#wake.promise
    const entries = socket.destroyed ? [] : this.#waiting.splice(0, count)
    for (const entry of entries) {
      mine.set(entry.id, entry)
      this.out.add(entry.id)
    }
    return entries
  }

  /** What a connection did not acknowledge is there for the next one. */
  giveBack(entries: ReadonlyMap<string, Entry>): void {
    for (const id of entries.keys()) this.out.delete(id)
    this.#waiting.unshift(...entries.values())
    this.add([])
  }
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
