import { isConnectorError } from '@pulsar-io/sdk/core'
import type { AdminClient } from './admin-client.ts'

const SILENT = ['PIO_PULSAR_AUTHORIZATION', 'PIO_PULSAR_ADMIN_UNREACHABLE']

/** What of a namespace is not there: its tenant, or the namespace itself; undefined where both are, or nobody tells. */
export async function missingOf(
  admin: AdminClient,
  tenant: string,
  namespace: string,
): Promise<'tenant' | 'namespace' | undefined> {
  try {
    const { status, value } = await admin.send('GET', {
      path: `/admin/v2/namespaces/${encodeURIComponent(tenant)}`,
      action: `asking for the namespaces of ${tenant}`,
      accept: [404],
    })
    if (status === 404) return 'tenant'
    return (value as readonly string[]).includes(`${tenant}/${namespace}`) ? undefined : 'namespace'
  } catch (error) {
    // Not everybody may ask for everything, nor reach whom to ask.
    if (isConnectorError(error) && SILENT.includes(error.code)) return undefined
    throw error
  }
}
