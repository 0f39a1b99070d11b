import type { ConnectorKind } from '@pulsar-io/sdk'
import { parseJson, stringifyJson } from '@pulsar-io/sdk'
import * as z from 'zod'
import type { ConnectorConfig, Fqn } from '../kinds.ts'

/** Where the code of a connector comes from. */
const packageSchema = z.discriminatedUnion('type', [
  /** An archive of the connectors folder, by its name: each worker takes its own. */
  z.object({ type: z.literal('builtin'), name: z.string() }),
  /** An archive in the archive store. */
  z.object({ type: z.literal('stored'), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
])

const recordSchema = z.object({
  kind: z.enum(['sink', 'source']),
  tenant: z.string(),
  namespace: z.string(),
  name: z.string(),
  /** Grows with each change. */
  version: z.int().min(1),
  /** As it was given, with its placeholders; `archive` and `…Type` are taken out. */
  config: z.record(z.string(), z.unknown()),
  package: packageSchema,
  /** Whether it is to run. */
  started: z.boolean(),
  /** Instances that differ from that. */
  exceptions: z.array(z.int().min(0)).default([]),
  /** Instances that run and take no records, until they are resumed. */
  paused: z.array(z.int().min(0)).default([]),
  /** How often it, and single instances, were asked to restart. */
  restarts: z.record(z.string(), z.int()).default({}),
  /** Version of the last change that the instances have to restart for. */
  configVersion: z.int().min(1),
  /** Milliseconds since 1970. */
  createdAt: z.number(),
  updatedAt: z.number(),
})

/** The code of a connector, by where it is. */
export type PackageReference = z.output<typeof packageSchema>

/** One connector as it is stored. */
export interface ConnectorRecord extends Fqn, Omit<z.output<typeof recordSchema>, keyof Fqn | 'kind' | 'config'> {
  readonly kind: ConnectorKind
  readonly config: ConnectorConfig
}

/** The bytes of a record. */
export function encodeRecord(record: ConnectorRecord): Uint8Array {
  return Buffer.from(stringifyJson(record))
}

/** The record of bytes. Throws what JSON or zod throw for something else. */
export function decodeRecord(bytes: Uint8Array): ConnectorRecord {
  return recordSchema.parse(parseJson(Buffer.from(bytes).toString())) as ConnectorRecord
}

/** How many instances a connector has. */
export function instanceCount(record: ConnectorRecord): number {
  return record.config.parallelism ?? 1
}

/** Whether an instance is to run. */
export function isWanted(record: ConnectorRecord, instanceId: number): boolean {
  return record.started !== record.exceptions.includes(instanceId)
}

/** Whether an instance is kept from taking records. */
export function isPaused(record: ConnectorRecord, instanceId: number): boolean {
  return record.paused.includes(instanceId)
}

/** The instances that are to run. */
export function wantedInstances(record: ConnectorRecord): readonly number[] {
  return Array.from({ length: instanceCount(record) }, (_, id) => id).filter(id => isWanted(record, id))
}

/** Changes with everything that an instance has to start anew for. */
export function generation(record: ConnectorRecord, instanceId: number): string {
  const { restarts, configVersion } = record
  return [configVersion, restarts.all ?? 0, restarts[instanceId] ?? 0, record.createdAt].join('.')
}
