import type { ConnectorId, ConnectorName } from './config-types.ts'
import { AdminError } from './errors.ts'

/** All three parts of a name. Throws an AdminError where it has none. */
export function fullName(name: ConnectorName): Required<{ [part in keyof ConnectorId]: string }> {
  const { tenant = 'public', namespace = 'default', name: last } = typeof name === 'string' ? split(name) : name
  for (const [part, text] of Object.entries({ tenant, namespace, name: last })) {
    // `.` and `..` would lead to another path.
    if (typeof text === 'string' && text !== '' && !/^\.\.?$|\//.test(text)) continue
    throw new AdminError('PIO_ADMIN_OPTIONS', `${part}: ${JSON.stringify(text)} is no ${part} of a connector`)
  }
  return { tenant, namespace, name: last }
}

/** Tenant and namespace of `tenant/namespace`. */
export function namespaceParts(namespace: string): readonly [string, string] {
  const [tenant = '', own = '', ...rest] = namespace.split('/')
  if (tenant !== '' && own !== '' && rest.length === 0) return [tenant, own]
  throw new AdminError('PIO_ADMIN_OPTIONS', `${JSON.stringify(namespace)} is no namespace; write tenant/namespace`)
}

function split(text: string): ConnectorId {
  const parts = text.split('/')
  const [tenant, namespace, name = ''] = parts
  if (parts.length === 1) return { name: text }
  if (parts.length === 3) return { tenant, namespace, name }
  throw new AdminError(
    'PIO_ADMIN_OPTIONS',
    `${JSON.stringify(text)} is no connector; write NAME or tenant/namespace/NAME`,
  )
}
