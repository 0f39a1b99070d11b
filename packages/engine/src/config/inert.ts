import type * as z from 'zod'
import type { ConnectorSpec } from '../api.ts'
import { sinkConfigSchema, sourceConfigSchema } from './fields.ts'
import { runtimeOptions } from './runtime-options.ts'

/** One line for each field, or option of the runtime, that is set, accepted for Pulsar's sake, and without effect here. */
export function inertFields(spec: ConnectorSpec): readonly string[] {
  const fields = notes(spec.kind === 'sink' ? sinkConfigSchema : sourceConfigSchema, spec.config, '')
  return [...fields, ...runtimeOptions(spec.config.customRuntimeOptions).inert]
}

function notes(schema: z.ZodObject, config: object, prefix: string): string[] {
  const shape = schema.shape as { readonly [name: string]: z.ZodType }
  return Object.entries(config).flatMap(([name, value]) => {
    const field = shape[name]
    if (!field || value === undefined) return []
    const why = field.meta()?.inert
    if (typeof why === 'string') return [`${prefix}${name} has no effect here: ${why}`]
    const inner = unwrap(field)
    return 'shape' in inner && typeof value === 'object' && value !== null
      ? notes(inner as z.ZodObject, value, `${prefix}${name}.`)
      : []
  })
}

function unwrap(schema: z.ZodType): z.ZodType {
  return 'unwrap' in schema ? unwrap((schema as z.ZodOptional<z.ZodType>).unwrap()) : schema
}
