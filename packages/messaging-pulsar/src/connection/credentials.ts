/** What a connection needs of an authentication. */
export interface Credentials {
  /** Name of the method as brokers know it. */
  readonly method: string
  /** What to show now; asked again for each connection, and whenever the broker wants to see fresh ones. */
  credentials(): Promise<Uint8Array>
  /** What can be told of them without giving them away, for the message about a refusal. */
  describe?(): Promise<string | undefined>
}
