import { BrokerError } from './port.ts'

/** Milliseconds that a farewell may take: a server that does not answer it is gone anyway. */
const CLOSE_MS = 2_000

/** Says goodbye, without waiting long for an answer. */
export async function farewell(what: { close(): Promise<void> }): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<void>(resolve => {
    timer = setTimeout(resolve, CLOSE_MS)
  })
  try {
    await Promise.race([what.close(), patience])
  } catch {
    // It is closed already, which is what is wanted.
  } finally {
    clearTimeout(timer)
  }
}

/** `Operation failed: QueueDeclare; 404 (NOT-FOUND) with message "NOT_FOUND - no queue 'x' in vhost '/'"` */
const SAID = /(\d{3}) \([A-Z-]+\) with message "(.*)"/s

/** The client puts the server's words into a text of its own; here only they are left. */
export function brokerError(thrown: unknown, scope: BrokerError['scope']): BrokerError {
  if (thrown instanceof BrokerError) return thrown
  const error = thrown as Error & { code?: unknown }
  const [, code, text] = SAID.exec(error.message) ?? []
  if (code !== undefined && text !== undefined) return new BrokerError(text, scope, Number(code))
  // Of several addresses of a name that all fail, Node tells in the parts.
  const parts = (error as { errors?: readonly Error[] }).errors
  const message = error.message || parts?.map(part => part.message).join(', ') || String(error.code)
  if (typeof error.code === 'number') return new BrokerError(message, scope, error.code)
  return new BrokerError(message, scope, undefined, typeof error.code === 'string' ? error.code : undefined)
}
