export {
  type Bounds,
  boolean,
  duration,
  integer,
  number,
  parseDuration,
  parseSize,
  secret,
  size,
  stringList,
} from './config-fields.ts'
export { type ConfigResult, configJsonSchema, type JsonSchema, parseConfig } from './config-schema.ts'
export * from './connector.ts'
export type * from './context.ts'
export * from './core.ts'
export { type ConnectorKind, type Manifest, manifestSchema } from './manifest.ts'
export { PositionClocks } from './position-clocks.ts'
export type { Offset, Properties, Record, SourceRecord } from './record.ts'
export type { KeyValueEncoding, KeyValueSchema, PrimitiveSchemaType, SchemaInfo, SchemaType } from './schema-info.ts'
