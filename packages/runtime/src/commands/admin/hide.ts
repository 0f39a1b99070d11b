import { redact } from '@pulsar-io/engine'
import type { ConnectorKind, Manifest } from '@pulsar-io/sdk'
import { isObject } from '../../config/shape.ts'
import type { Change } from './difference.ts'

const HIDDEN = '***'
/** Options of connectors whose schema is not known here. */
const SECRET_NAME = /pass(word|wd|phrase)?$|secret|token|credential|api_?key|access_?key|private_?key/i

/** The changes as they may be shown: no secret is in them. */
export function shownChanges(
  changes: readonly Change[],
  kind: ConnectorKind,
  manifest: Manifest | undefined,
): readonly Change[] {
  const schema = manifest?.[kind]?.configSchema
  return changes.map(change => {
    const [area, ...path] = change.path.split('.')
    const hide = (value: unknown): unknown => {
      if (value === undefined || isReference(value)) return value
      if (area === 'secrets') return HIDDEN
      if (area !== 'configs') return value
      if (schema === undefined) return path.some(part => SECRET_NAME.test(part)) ? HIDDEN : hideByName(value)
      return isObject(value) || path.length > 0 ? inPlace(path, value, whole => redact(whole, schema)) : value
    }
    return {
      ...change,
      ...(change.before === undefined ? {} : { before: hide(change.before) }),
      ...(change.after === undefined ? {} : { after: hide(change.after) }),
    }
  })
}

/** Where the value comes from is no secret. */
function isReference(value: unknown): boolean {
  return typeof value === 'string' && /^\$\{(env|file):[^}]+\}$/.test(value)
}

/** Has a value hidden where it stands in the whole. */
function inPlace(path: readonly string[], value: unknown, hide: (whole: unknown) => unknown): unknown {
  const whole = path.reduceRight<unknown>((inner, part) => ({ [part]: inner }), value)
  return path.reduce<unknown>((outer, part) => (isObject(outer) ? outer[part] : outer), hide(whole))
}

function hideByName(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hideByName)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name, SECRET_NAME.test(name) ? HIDDEN : hideByName(part)]),
  )
}
