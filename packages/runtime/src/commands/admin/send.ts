import {
  type Admin,
  AdminError,
  isAdminError,
  type SinkConfig,
  type SourceConfig,
  type UpdateOptions,
} from '@pulsar-io/admin'
import { type ConnectorKind, closest } from '@pulsar-io/sdk'

/** Creates or updates a connector. Rejects with an AdminError; where a built-in connector is missing, it says which there are. */
export async function send(
  admin: Admin,
  kind: ConnectorKind,
  action: 'create' | 'update',
  config: SinkConfig | SourceConfig,
  options: UpdateOptions,
): Promise<void> {
  try {
    if (kind === 'sink') await admin.sinks[action](config as SinkConfig, options)
    else await admin.sources[action](config as SourceConfig, options)
  } catch (error) {
    const missing = /^builtin:\/\/([^#]+)/i.exec(String(options.archive ?? ''))?.[1]
    // Pulsar's words.
    if (missing === undefined || !isAdminError(error) || !/^Built-in \w+ is not available/.test(error.reason ?? '')) {
      throw error
    }
    throw await withNames(error, admin, kind, missing)
  }
}

async function withNames(error: AdminError, admin: Admin, kind: ConnectorKind, missing: string): Promise<AdminError> {
  const all = await admin[`${kind}s`].available()
  const names = all.filter(each => Boolean(kind === 'sink' ? each.sinkClass : each.sourceClass)).map(({ name }) => name)
  const guess = closest(missing, names)
  const there =
    guess === undefined
      ? `the worker has ${names.length === 0 ? 'none' : names.sort().join(', ')}`
      : `did you mean ${guess}?`
  return new AdminError(error.code, `${error.message}; ${there}`, {
    method: error.method,
    path: error.path,
    status: error.status,
    reason: error.reason,
    cause: error,
  })
}
