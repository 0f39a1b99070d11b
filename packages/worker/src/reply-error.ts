/** An answer that says no: an HTTP status and, in Pulsar's words where it has some, the reason. */
export class ReplyError extends Error {
  readonly status: number

  constructor(status: number, reason: string, options?: { readonly cause?: unknown }) {
    super(reason, options)
    this.name = 'ReplyError'
    this.status = status
  }
}
