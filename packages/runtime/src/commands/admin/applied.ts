import type { ConnectorKind } from '@pulsar-io/sdk'
import type { Change } from './difference.ts'

/** What `apply` did with one connector, or would do. */
export interface Applied {
  readonly kind: ConnectorKind
  /** `tenant/namespace/name`. */
  readonly name: string
  /** `perhaps`: a dry run cannot tell, because the worker hides what it has. */
  readonly action: 'created' | 'updated' | 'unchanged' | 'perhaps'
  readonly changes: readonly Change[]
  readonly note?: string
  /** Nothing was changed. */
  readonly dryRun?: true
}

const WOULD = {
  created: 'would be created',
  updated: 'would be updated',
  unchanged: 'is unchanged',
  perhaps: 'may be updated',
}

/** For people. */
export function appliedText({ kind, name, action, changes, note, dryRun }: Applied): string {
  const lines = changes.map(change => `  ${change.path}: ${difference(change)}\n`)
  const notes = note === undefined ? '' : `  ${note}\n`
  return `${kind} ${name} ${dryRun ? WOULD[action] : action}\n${lines.join('')}${notes}`
}

function difference({ before, after, hidden }: Change): string {
  if (hidden) return 'hidden by the worker, may differ'
  if (before === '***' && after === '***') return 'differs (hidden)'
  return `${shown(before)} → ${shown(after)}`
}

function shown(value: unknown): string {
  if (value === undefined) return '(none)'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
