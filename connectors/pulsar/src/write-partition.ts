import type { PulsarOutgoingMessage, PulsarProducer } from '@pulsar-io/messaging-pulsar'
import { isConnectorError } from '@pulsar-io/sdk'
import { sleep } from './wait.ts'

/** Milliseconds without a record after which a producer is given back. */
const IDLE_MS = 5_000
/** Milliseconds that another holder of the name is waited for: it gives it back when it is idle. */
const BUSY_MS = 10_000
const BUSY_PAUSE_MS = 250

/** A message, and the ledger in which its number counts. */
export interface Numbered {
  readonly ledgerId: bigint
  readonly message: PulsarOutgoingMessage
}

/** Publishes what comes from one input partition, ledger by ledger. */
export class PartitionWriter {
  readonly target: string
  readonly #open: (ledgerId: bigint) => Promise<PulsarProducer>
  #current: { readonly ledgerId: bigint; readonly producer: PulsarProducer } | undefined
  #turn: Promise<void> = Promise.resolve()
  #waiting = 0
  #lastUse = 0

  constructor(target: string, open: (ledgerId: bigint) => Promise<PulsarProducer>) {
    this.target = target
    this.#open = open
  }

  /** Resolves when all of them are published, now or before. One call is done with before the next begins. */
  write(messages: readonly Numbered[], signal: AbortSignal): Promise<void> {
    return this.#inTurn(async () => {
      for (let from = 0; from < messages.length; ) {
        const ledgerId = messages[from]?.ledgerId ?? 0n
        const run: PulsarOutgoingMessage[] = []
        for (; messages[from]?.ledgerId === ledgerId; from++) run.push((messages[from] as Numbered).message)
        // The next ledger has another producer, which must not overtake this one.
        await (await this.#producer(ledgerId, signal)).send(run)
      }
    })
  }

  /** Gives the producer back where it has not been used for a while. */
  async closeIdle(): Promise<void> {
    if (this.#waiting > 0 || !this.#current || performance.now() - this.#lastUse < IDLE_MS) return
    await this.#inTurn(() => this.#give())
  }

  async #inTurn(what: () => Promise<void>): Promise<void> {
    this.#waiting++
    const turn = this.#turn.then(what).finally(() => {
      this.#waiting--
      this.#lastUse = performance.now()
    })
    // Who asked hears of the failure; the next in turn has nothing to do with it.
    this.#turn = turn.catch(() => undefined)
    await turn
  }

  async #producer(ledgerId: bigint, signal: AbortSignal): Promise<PulsarProducer> {
    if (this.#current?.ledgerId === ledgerId) return this.#current.producer
    await this.#give()
    const until = performance.now() + BUSY_MS
    for (;;) {
      try {
        const producer = await this.#open(ledgerId)
        this.#current = { ledgerId, producer }
        return producer
      } catch (error) {
        const busy = isConnectorError(error) && error.code === 'PIO_PRODUCER_BUSY'
        if (!busy || signal.aborted || performance.now() > until) throw error
        await sleep(BUSY_PAUSE_MS, signal)
      }
    }
  }

  async #give(): Promise<void> {
    const current = this.#current
    this.#current = undefined
    await current?.producer.close()
  }
}
