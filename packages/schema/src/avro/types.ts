import avro, { type Type } from 'avsc'
import { type AvroJson, withoutDefaults } from './definition.ts'
import { isLogical, LOGICAL_TYPES } from './logical-types.ts'

/** A 64-bit integer is a bigint, always: a field must not change its type with its size. */
const LONG = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(value)
    return bytes
  },
  fromJSON: (value: number | string) => BigInt(value),
  toJSON: (value: bigint) => value.toString(),
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
})

const PLAIN = 'pulsar-io-plain-union'

type Branches = readonly Type[] & { logicalType?: string }

/** A union whose branches avsc cannot tell apart by JavaScript type: it wraps them, here they are bare again. */
export class PlainUnion extends avro.types.LogicalType {
  protected override _fromValue(value: object | null): unknown {
    return value === null ? null : Object.values(value)[0]
  }

  // Never written through: see encoder.ts.
  protected override _toValue(value: unknown): unknown {
    return value
  }

  protected override _resolve(): undefined {
    return undefined
  }
}

interface HookOptions {
  logicalTypes?: object
}

/** The type that bytes are read with: plain objects, bare unions, logical types as JavaScript values. */
export function readingType(schema: AvroJson): Type {
  // A logical type asks for its underlying type with the very same schema.
  const inside = new WeakSet<object>()
  const typeHook = (part: AvroJson | Branches, options: HookOptions): Type | undefined => {
    if (part === 'long') return LONG
    if (typeof part !== 'object') return undefined
    if (Array.isArray(part)) return inside.has(part) ? undefined : union(part, options)
    const { type, logicalType } = part as Exclude<AvroJson, string | readonly AvroJson[]>
    if (isLogical(part as AvroJson) && !inside.has(part)) {
      inside.add(part)
      return undefined
    }
    if (type === 'long') return LONG
    // What is no logical type after all must not become one; nested types may be written as {"type": {"type": …}}.
    if (typeof type === 'object' || (logicalType !== undefined && !isLogical(part as AvroJson))) {
      return nested(part as { readonly type: AvroJson }, options)
    }
    return undefined
  }
  const nested = (part: { readonly type: AvroJson }, options: HookOptions): Type => {
    const { logicalType: _, ...bare } = part as { readonly type: AvroJson; readonly logicalType?: string }
    const inner = typeof bare.type === 'object' ? bare.type : bare
    return avro.Type.forSchema(inner as never, options as never)
  }
  const union = (branches: readonly AvroJson[], options: HookOptions): Type => {
    const types = branches.map(branch => avro.Type.forSchema(branch as never, options as never)) as Branches
    inside.add(types)
    try {
      return new avro.types.UnwrappedUnionType(types as never, options)
    } catch {
      // Ambiguous; a union that is wrong altogether throws again here.
      types.logicalType = PLAIN
      return new PlainUnion(types as never, options)
    }
  }
  const type = avro.Type.forSchema(withoutDefaults(schema) as never, {
    logicalTypes: { ...LOGICAL_TYPES, [PLAIN]: PlainUnion } as never,
    omitRecordMethods: true,
    typeHook: typeHook as never,
  })
  plainRecords(type, new Set())
  return type
}

/** The type that bytes are written with: unions wrapped, so that it is we who choose the branch; no logical types. */
export function writingType(schema: AvroJson): Type {
  const make = (definition: AvroJson) => {
    const typeHook = (part: AvroJson | Branches, options: HookOptions): Type | undefined => {
      if (part === 'long') return LONG
      if (typeof part !== 'object' || Array.isArray(part)) return undefined
      const { type } = part as { readonly type: AvroJson }
      if (type === 'long') return LONG
      return typeof type === 'object' ? avro.Type.forSchema(type as never, options as never) : undefined
    }
    return avro.Type.forSchema(definition as never, {
      omitRecordMethods: true,
      typeHook: typeHook as never,
      wrapUnions: 'always',
    })
  }
  try {
    return make(schema)
  } catch {
    // Java lets a default of the wrong type pass; then there are no defaults. A definition that is wrong throws again.
    return make(withoutDefaults(schema))
  }
}

/** Records come out of avsc as instances of classes it makes; as plain objects they print, compare and clone like others. */
function plainRecords(type: Type, seen: Set<Type>): void {
  if (seen.has(type)) return
  seen.add(type)
  for (const part of partsOf(type)) plainRecords(part, seen)
  if ('recordConstructor' in type) {
    ;(type as avro.types.RecordType).recordConstructor.prototype = Object.prototype
  }
}

/** The types that a type consists of. */
function partsOf(type: Type): readonly Type[] {
  if (type instanceof avro.types.LogicalType) return [type.underlyingType]
  const { types, fields, itemsType, valuesType } = type as Type & {
    readonly types?: readonly Type[]
    readonly fields?: readonly { readonly type: Type }[]
    readonly itemsType?: Type
    readonly valuesType?: Type
  }
  if (types) return types
  if (fields) return fields.map(field => field.type)
  return [itemsType, valuesType].filter(part => part !== undefined)
}
