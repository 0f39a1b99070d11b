import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

/** A row as a sink sends it, or a source gets it. */
export interface Row {
  readonly at: string
  readonly key: string | null
  readonly value: string | null
  readonly properties: { readonly [name: string]: string }
}

export interface Request {
  readonly password?: string
  readonly table?: string
  /** Takes the table over: what others write from then on is refused. */
  readonly fence?: boolean
  readonly append?: readonly Row[]
  readonly mode?: 'add' | 'once' | 'upsert'
  readonly checkpoint?: readonly unknown[]
  readonly committed?: boolean
  /** Hands out so many rows that nobody has, or waits for one. */
  readonly take?: number
  readonly ack?: string
}

export interface Answer {
  readonly error?: string
  readonly rejected?: readonly number[]
  readonly rows?: readonly Row[]
  readonly checkpoint?: readonly unknown[]
}

export const PASSWORD = 'pass-word-that-nobody-may-see'

class Table {
  rows: Row[] = []
  queue: Row[] = []
  readonly held = new Map<string, Row>()
  checkpoint: readonly unknown[] = []
  epoch = 0
  readonly waiting: (() => void)[] = []
}

/** A small store that speaks JSON lines over TCP: a table has rows, a queue of rows to hand out, and a checkpoint. */
export class FakeServer {
  readonly #server: Server
  readonly #tables = new Map<string, Table>()
  readonly #sockets = new Set<Socket>()

  constructor() {
    this.#server = createServer(socket =>
      // A reset is the end of a connection as any other.
      this.#serve(socket).catch(() => socket.destroy()),
    )
  }

  async start(): Promise<string> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve))
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise(resolve => this.#server.close(resolve))
  }

  create(name: string): void {
    this.#tables.set(name, new Table())
  }

  rows(name: string): readonly Row[] {
    return this.#table(name).rows
  }

  enqueue(name: string, rows: readonly Row[]): void {
    const table = this.#table(name)
    table.queue.push(...rows)
    for (const wake of table.waiting.splice(0)) wake()
  }

  /** Rows that are handed out and not acknowledged. */
  held(name: string): number {
    return this.#table(name).held.size
  }

  #table(name: string): Table {
    const table = this.#tables.get(name)
    if (!table) throw new Error(`no table ${name}`)
    return table
  }

  async #serve(socket: Socket): Promise<void> {
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    const held = new Map<string, Row>()
    let table: Table | undefined
    let epoch = 0
    socket.once('close', () => {
      this.#sockets.delete(socket)
      table?.queue.unshift(...held.values())
      for (const at of held.keys()) table?.held.delete(at)
      for (const wake of table?.waiting.splice(0) ?? []) wake()
    })
    const answer = (reply: Answer) => socket.write(`${JSON.stringify(reply)}\n`)
    for await (const line of linesOf(socket)) {
      const request = JSON.parse(line) as Request
      if (request.password !== undefined) {
        table = this.#tables.get(request.table ?? '')
        if (request.password !== PASSWORD) answer({ error: 'auth' })
        else if (!table) answer({ error: 'missing' })
        else {
          if (request.fence) table.epoch++
          epoch = table.epoch
          answer({})
        }
      } else if (!table) answer({ error: 'auth' })
      else if (request.committed) answer({ checkpoint: table.checkpoint })
      else if (request.append) answer(append(table, epoch, request))
      else if (request.ack !== undefined) {
        held.delete(request.ack)
        table.held.delete(request.ack)
      } else if (request.take !== undefined) {
        // Not waited for: the end of the connection has to be seen meanwhile.
        void take(table, request.take, socket).then(rows => {
          for (const row of rows) {
            held.set(row.at, row)
            table?.held.set(row.at, row)
          }
          answer({ rows })
        })
      }
    }
  }
}

async function take(table: Table, count: number, socket: Socket): Promise<Row[]> {
  while (table.queue.length === 0 && !socket.destroyed) await new Promise<void>(resolve => table.waiting.push(resolve))
  return socket.destroyed ? [] : table.queue.splice(0, count)
}

function append(table: Table, epoch: number, { append = [], mode, checkpoint }: Request): Answer {
  if (epoch !== table.epoch) return { error: 'fenced' }
  const rejected = append.flatMap((row, at) => (row.value === 'poison' ? [at] : []))
  if (checkpoint && rejected.length > 0) return { rejected }
  append.forEach((row, at) => {
    if (rejected.includes(at)) return
    const known = table.rows.findIndex(other => (mode === 'upsert' ? other.key === row.key : other.at === row.at))
    if (mode !== 'add' && known >= 0) {
      if (mode === 'once') return
      if (row.value === null) table.rows.splice(known, 1)
      else table.rows[known] = row
    } else if (row.value !== null) table.rows.push(row)
  })
  if (checkpoint) {
    const parts = new Map([...table.checkpoint, ...checkpoint].map(part => [placeOf(part), part]))
    table.checkpoint = [...parts.values()]
  }
  return { rejected }
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

function placeOf(part: unknown): string {
  const { topic, partition } = part as { topic: string; partition: number }
  return `${topic}-${partition}`
}
