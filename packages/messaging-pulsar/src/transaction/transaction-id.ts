/** The two halves of a transaction's id, as the coordinator gave them out. */
export interface TransactionId {
  readonly mostBits: bigint
  readonly leastBits: bigint
}
