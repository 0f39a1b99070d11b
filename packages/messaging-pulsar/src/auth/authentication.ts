/** Who the client is. One instance serves all connections of a client. */
export interface Authentication {
  /** The name by which the broker chooses its provider: `token`, `basic`, `tls`, `none`. */
  readonly method: string
  /** What the handshake carries; asked for by each new connection and whenever the broker wants it again. */
  credentials(): Promise<Uint8Array>
  /** The same for a request over HTTP; by default nothing. */
  headers?(): Promise<Readonly<Record<string, string>>>
  /** The client's certificate, where that is who it is: PEM files or texts. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** What can be told of the credentials without giving them away, for the message about a refusal. */
  describe?(): Promise<string | undefined>
}

/** Nobody in particular. */
export const anonymous: Authentication = {
  method: 'none',
  credentials: async () => new Uint8Array(),
}
