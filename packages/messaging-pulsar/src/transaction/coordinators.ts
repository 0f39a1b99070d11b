import { partitionTopicName } from '@pulsar-io/messaging'
import type { Connection } from '../connection/connection.ts'
import { type ClientContext, connectionTo } from '../context.ts'
import { namedError, ServerFailure } from '../errors.ts'
import type { CommandInput, CommandOutput } from '../wire/commands.ts'
import type { TransactionId } from './transaction-id.ts'

/** Its partitions are the coordinators; whoever serves one coordinates. */
const ASSIGNMENT = 'persistent://pulsar/system/transaction_coordinator_assign'

/** Requests to a transaction, and the answers to them. */
type TransactionRequest = 'addPartitionToTxn' | 'addSubscriptionToTxn' | 'endTxn'

/** The transaction coordinators of a cluster. */
export class Coordinators {
  private readonly context: ClientContext
  /** Connections on which a coordinator knows this client. */
  private readonly known = new Map<number, Connection>()
  private count = 0
  private turn = 0

  constructor(context: ClientContext) {
    this.context = context
  }

  /** Begins a transaction with one coordinator after the other. Rejects with `PIO_PULSAR_TRANSACTIONS` where there is none. */
  async begin(timeoutMs: number): Promise<TransactionId> {
    const action = 'beginning a transaction'
    try {
      if (this.count === 0) this.count = await this.context.lookup.partitions(ASSIGNMENT, false)
      if (this.count === 0) throw new ServerFailure(TRANSACTION_COORDINATOR_NOT_FOUND, 'there are no coordinators')
      const tcId = this.turn++ % this.count
      const connection = await this.connection(tcId)
      // Brokers take the field for milliseconds, whatever its name says.
      const body = { tcId, ttlSeconds: Math.ceil(timeoutMs) }
      const answer = await connection.request('newTxn', body, 'newTxnResponse', action)
      if (answer.error !== undefined) throw new ServerFailure(answer.error, answer.message ?? '')
      return { mostBits: answer.mostBits ?? 0n, leastBits: answer.leastBits ?? 0n }
    } catch (error) {
      throw namedError(error, { action })
    }
  }

  /** Tells the coordinator of a transaction something. The upper half of its id says who that is. */
  async tell<K extends TransactionRequest>(
    id: TransactionId,
    name: K,
    body: Omit<CommandInput<K>, 'requestId' | 'mostBits' | 'leastBits'>,
    action: string,
  ): Promise<void> {
    try {
      const connection = await this.connection(Number(id.mostBits))
      const whole = { ...id, ...body } as unknown as Omit<CommandInput<K>, 'requestId'>
      const answer: CommandOutput<`${TransactionRequest}Response`> = await connection.request(
        name,
        whole,
        `${name}Response`,
        action,
      )
      if (answer.error !== undefined) throw new ServerFailure(answer.error, answer.message ?? '')
    } catch (error) {
      throw namedError(error, { action })
    }
  }

  private async connection(tcId: number): Promise<Connection> {
    const known = this.known.get(tcId)
    if (known?.alive) return known
    const connection = await connectionTo(this.context, partitionTopicName(ASSIGNMENT, tcId))
    const action = `connecting to transaction coordinator ${tcId}`
    const answer = await connection.request('tcClientConnectRequest', { tcId }, 'tcClientConnectResponse', action)
    if (answer.error !== undefined) throw new ServerFailure(answer.error, answer.message ?? '')
    this.known.set(tcId, connection)
    return connection
  }
}

const TRANSACTION_COORDINATOR_NOT_FOUND = 20
