import { closest } from '@pulsar-io/sdk/core'
import avro, { type Type } from 'avsc'
import { asBuffer, fromBase64 } from '../bytes.ts'
import { inside, kindOf, Mismatch } from '../mismatch.ts'
import { wholeNumber } from '../whole-number.ts'
import { Logical } from './logical-types.ts'
import { PlainUnion } from './types.ts'

/** Makes of a plain value what avsc writes: unions wrapped, numbers of the right kind. Throws a Mismatch. */
type Shape = (value: unknown) => unknown

interface Branch {
  readonly type: Type
  readonly name: string
  readonly shape: Shape
}

/** `reading` knows the logical types, `writing` the defaults and the names of branches. */
export function shapeOf(reading: Type, writing: Type): Shape {
  return new Shapes().of(reading, writing)
}

class Shapes {
  readonly #made = new Map<Type, Shape>()

  of(reading: Type, writing: Type): Shape {
    const made = this.#made.get(writing)
    if (made && reading.name !== undefined) return made
    if (reading instanceof Logical) return value => reading.toAvro(value)
    // A recursive type meets itself before it is made.
    let shape: Shape = () => undefined
    this.#made.set(writing, value => shape(value))
    shape = this.#make(reading, writing)
    return shape
  }

  #make(reading: Type, writing: Type): Shape {
    if (writing instanceof avro.types.WrappedUnionType) return this.#union(reading, writing)
    if (writing instanceof avro.types.RecordType) return this.#record(reading as avro.types.RecordType, writing)
    if (writing instanceof avro.types.ArrayType) {
      return list(this.of((reading as avro.types.ArrayType).itemsType, writing.itemsType))
    }
    if (writing instanceof avro.types.MapType) {
      return map(this.of((reading as avro.types.MapType).valuesType, writing.valuesType))
    }
    if (writing instanceof avro.types.EnumType) return symbol(writing.symbols)
    if (writing instanceof avro.types.FixedType) return bytes(writing.size)
    return PRIMITIVES[writing.typeName.replace('abstract:', '')] ?? (value => value)
  }

  #record(reading: avro.types.RecordType, writing: avro.types.RecordType): Shape {
    const fields = writing.fields.map((field, i) => {
      const type = reading.fields[i]?.type
      if (type === undefined) throw new Error(`${field.name} is missing`)
      const optional = field.defaultValue() !== undefined
      return { name: field.name, shape: this.of(type, field.type), optional, nullable: isNullable(field.type) }
    })
    const names = fields.map(({ name }) => name)
    const known = new Set(names)
    return value => {
      if (!isFields(value)) throw new Mismatch(`expected a record, got ${kindOf(value)}`)
      const out: { [name: string]: unknown } = {}
      for (const { name, shape, optional, nullable } of fields) {
        const part = value[name]
        if (part === undefined) {
          // avsc writes the default.
          if (optional) continue
          if (!nullable) throw new Mismatch('is required, and there is none').within(name)
        }
        try {
          out[name] = shape(part)
        } catch (error) {
          return inside(name, error)
        }
      }
      for (const name in value) if (!known.has(name) && value[name] !== undefined) throw unknownField(name, names)
      return out
    }
  }

  #union(reading: Type, writing: avro.types.WrappedUnionType): Shape {
    const plain = reading instanceof PlainUnion ? reading.underlyingType : reading
    const types = (plain as avro.types.UnwrappedUnionType).types
    const branches: Branch[] = []
    let nullable = false
    for (const [i, type] of writing.types.entries()) {
      const part = types[i]
      if (type instanceof avro.types.NullType) nullable = true
      else if (part) branches.push({ type: part, name: type.branchName ?? '', shape: this.of(part, type) })
    }
    const [only] = branches
    return value => {
      if (value === null || value === undefined) {
        if (nullable) return null
        throw new Mismatch('must not be null')
      }
      if (branches.length === 1 && only) return { [only.name]: only.shape(value) }
      const exact = branches.find(({ type }) => isExactly(type, value))
      return choose(exact ? [exact, ...branches.filter(branch => branch !== exact)] : branches, value)
    }
  }
}

/** The first branch that takes the value. */
function choose(branches: readonly Branch[], value: unknown): unknown {
  const reasons: string[] = []
  for (const { name, shape } of branches) {
    try {
      return { [name]: shape(value) }
    } catch (error) {
      if (!(error instanceof Mismatch)) throw error
      reasons.push(`${name} (${error.path === '' ? '' : `${error.path}: `}${error.message})`)
    }
  }
  throw new Mismatch(`fits no branch of the union: ${reasons.join(', ')}`)
}

/** Whether a branch is what such a value is read as. */
function isExactly(type: Type, value: unknown): boolean {
  switch (type.typeName.replace('abstract:', '')) {
    case 'long':
      return typeof value === 'bigint'
    case 'int':
      return typeof value === 'number' && Number.isInteger(value)
    case 'float':
    case 'double':
      return typeof value === 'number'
    case 'logical:timestamp-millis':
      return value instanceof Date
    case 'bytes':
    case 'fixed':
      return value instanceof Uint8Array
    default:
      return false
  }
}

const MAX_INT = 2 ** 31

const PRIMITIVES: { readonly [type: string]: Shape } = {
  null: value => {
    if (value !== null && value !== undefined) throw new Mismatch(`expected null, got ${kindOf(value)}`)
    return null
  },
  boolean: value => {
    if (typeof value !== 'boolean') throw new Mismatch(`expected true or false, got ${kindOf(value)}`)
    return value
  },
  int: value => {
    const number = typeof value === 'bigint' ? Number(value) : value
    if (typeof number !== 'number' || !Number.isInteger(number) || number < -MAX_INT || number >= MAX_INT) {
      throw new Mismatch(`expected a whole number of 32 bits, got ${kindOf(value)}`)
    }
    return number
  },
  long: value => {
    const number = wholeNumber(value)
    if (typeof number !== 'bigint' || BigInt.asIntN(64, number) !== number) {
      throw new Mismatch(`expected a whole number of 64 bits, got ${kindOf(value)}`)
    }
    return number
  },
  float: double,
  double,
  bytes: bytes(),
  string: value => {
    if (typeof value !== 'string') throw new Mismatch(`expected text, got ${kindOf(value)}`)
    return value
  },
}

function double(value: unknown): number {
  // A whole number in JSON may come as a bigint; one that a double would round does not fit.
  const number = typeof value === 'bigint' && BigInt(Number(value)) === value ? Number(value) : value
  if (typeof number !== 'number') throw new Mismatch(`expected a number, got ${kindOf(value)}`)
  return number
}

/** Bytes, or the base64 text that stands for them in JSON. */
function bytes(size?: number): Shape {
  return value => {
    const found = typeof value === 'string' ? fromBase64(value) : value
    if (!(found instanceof Uint8Array)) throw new Mismatch(`expected bytes or base64, got ${kindOf(value)}`)
    if (size !== undefined && found.length !== size) throw new Mismatch(`expected ${size} bytes, got ${found.length}`)
    return asBuffer(found)
  }
}

function symbol(symbols: readonly string[]): Shape {
  const known = new Set<unknown>(symbols)
  return value => {
    if (!known.has(value)) throw new Mismatch(`must be one of ${symbols.join(', ')}`)
    return value
  }
}

function list(items: Shape): Shape {
  return value => {
    if (!Array.isArray(value)) throw new Mismatch(`expected a list, got ${kindOf(value)}`)
    return value.map((part, i) => {
      try {
        return items(part)
      } catch (error) {
        return inside(i, error)
      }
    })
  }
}

function map(values: Shape): Shape {
  return value => {
    if (!isFields(value)) throw new Mismatch(`expected an object, got ${kindOf(value)}`)
    return Object.fromEntries(
      Object.entries(value).map(([name, part]) => {
        try {
          return [name, values(part)]
        } catch (error) {
          return inside(name, error)
        }
      }),
    )
  }
}

function isNullable(type: Type): boolean {
  if (type instanceof avro.types.NullType) return true
  return type instanceof avro.types.WrappedUnionType && type.types.some(isNullable)
}

function isFields(value: unknown): value is { readonly [name: string]: unknown } {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array) &&
    !(value instanceof Date)
  )
}

function unknownField(name: string, names: readonly string[]): Mismatch {
  const guess = closest(name, names)
  return new Mismatch(`the schema has no such field${guess ? `; did you mean ${guess}?` : ''}`).within(name)
}
