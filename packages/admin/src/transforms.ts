import { AdminError, isAdminError } from './errors.ts'
import type { AdminHttp } from './http.ts'

/**
 * Pulsar's own worker ignores fields that it does not know: records would arrive with what a transform was to take out.
 *
 * @throws AdminError `PIO_ADMIN_REFUSED` for a worker that knows no transforms; nothing was sent to it.
 */
export async function requireTransforms(http: AdminHttp, signal: AbortSignal | undefined): Promise<void> {
  if (await describesItself(http, signal)) return
  throw new AdminError(
    'PIO_ADMIN_REFUSED',
    `${http.url} is not this project's worker: it would ignore the transforms, and records would arrive as they are; create it on a \`runtime worker\`, or leave transforms out`,
  )
}

/** Only this project's worker has a description of its interface, at this place. */
async function describesItself(http: AdminHttp, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    const document = (await http.json({ method: 'GET', path: ['openapi.json'], signal })) as {
      readonly info?: { readonly title?: unknown }
    }
    return document?.info?.title === 'Pulsar IO worker'
  } catch (error) {
    if (isAdminError(error) && error.code === 'PIO_ADMIN_NOT_FOUND') return false
    throw error
  }
}
