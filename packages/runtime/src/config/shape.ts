import { type ConnectorKind, closest } from '@pulsar-io/sdk'

/** How a configuration file was read. */
export interface Shape {
  /** `pulsar`: fields of SinkConfig or SourceConfig, options under `configs`; `bare`: the connector's options alone. */
  readonly reading: 'pulsar' | 'bare'
  /** Why, for messages: "it has inputs and tenant". */
  readonly because: string
  /** Top-level keys that belong under `configs`. */
  readonly misplaced: readonly string[]
}

/** The name of Pulsar's shape. */
export function shapeName(kind: ConnectorKind): string {
  return kind === 'sink' ? 'SinkConfig' : 'SourceConfig'
}

/**
 * Tells Pulsar's shape from the bare options of a connector. `configs` decides at once; else any key that is a field of
 * Pulsar's and not an option of the connector makes it Pulsar's. `options` (asked only where keys are of both sorts)
 * gives the names of the connector's options, or undefined while they are not known.
 */
export async function tellShape(
  kind: ConnectorKind,
  value: { readonly [key: string]: unknown },
  fields: ReadonlySet<string>,
  options: () => Promise<ReadonlySet<string> | undefined>,
): Promise<Shape> {
  const keys = Object.keys(value)
  const name = shapeName(kind)
  if ('configs' in value) return { reading: 'pulsar', because: 'it has configs', misplaced: [] }
  if (keys.length === 0) return { reading: 'bare', because: 'it is empty', misplaced: [] }
  const known = keys.filter(key => fields.has(key))
  if (known.length === 0) {
    const misspelt = keys.find(key => isObject(value[key]) && closest(key, ['configs']) !== undefined)
    const declared = misspelt === undefined ? undefined : await options()
    if (misspelt !== undefined && declared !== undefined && !declared.has(misspelt)) {
      return { reading: 'pulsar', because: `it has ${misspelt}`, misplaced: [] }
    }
    return { reading: 'bare', because: `none of its keys is a field of ${name}`, misplaced: [] }
  }
  if (known.length === keys.length) {
    const declared = await options()
    const both = declared !== undefined && keys.every(key => declared.has(key))
    if (both) return { reading: 'bare', because: 'all of its keys are options of the connector', misplaced: [] }
    return { reading: 'pulsar', because: `it has ${listed(known)}`, misplaced: [] }
  }
  const declared = (await options()) ?? new Set<string>()
  const pulsars = known.filter(key => !declared.has(key))
  if (pulsars.length === 0) {
    return { reading: 'bare', because: 'its keys are options of the connector', misplaced: [] }
  }
  const misplaced = keys.filter(key => !fields.has(key) && declared.has(key))
  return { reading: 'pulsar', because: `it has ${listed(pulsars)}`, misplaced }
}

function listed(names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and others`
}

/** True for an object with keys. */
export function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
