import type { Kind, Place } from './api/types.ts'

/** What is shown. It stands behind the `#`, so that the server has one page. */
export type View =
  | { readonly page: 'list'; readonly tenant: string; readonly namespace: string }
  | { readonly page: 'create'; readonly kind: Kind; readonly tenant: string; readonly namespace: string }
  | { readonly page: 'connector' | 'edit'; readonly place: Place }

/** The address of a view. */
export function hrefOf(view: View): string {
  if (view.page === 'list') return hash(view.tenant, view.namespace)
  if (view.page === 'create') return hash(view.tenant, view.namespace, `${view.kind}s`, '+')
  const { kind, tenant, namespace, name } = view.place
  return hash(tenant, namespace, `${kind}s`, name, ...(view.page === 'edit' ? ['edit'] : []))
}

/** The view of an address; the list of public/default for any that there is not. */
export function viewOf(address: string): View {
  const [tenant = '', namespace = '', kinds, name, rest] = address
    .replace(/^#?\/?/, '')
    .split('/')
    .map(decoded)
  if (tenant === '' || namespace === '') return { page: 'list', tenant: 'public', namespace: 'default' }
  const kind = kinds === 'sinks' ? 'sink' : kinds === 'sources' ? 'source' : undefined
  if (kind === undefined || name === undefined || name === '') return { page: 'list', tenant, namespace }
  if (name === '+') return { page: 'create', kind, tenant, namespace }
  return { page: rest === 'edit' ? 'edit' : 'connector', place: { kind, tenant, namespace, name } }
}

function hash(...parts: readonly string[]): string {
  return `#/${parts.map(encodeURIComponent).join('/')}`
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    // Typed by hand: taken as it is.
    return part
  }
}
