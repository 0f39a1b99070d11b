import * as z from 'zod'

/** A kind of connector. */
export type ConnectorKind = 'sink' | 'source'

const common = {
  /** The export of the entry module that holds the definition. */
  export: z.string().min(1),
  summary: z.string(),
  /** JSON Schema of the raw configuration. */
  configSchema: z.record(z.string(), z.unknown()),
}

/** The shape of `pulsar-io.json`, which is read before any code of an archive runs. */
export const manifestSchema = z.object({
  manifestVersion: z.literal(1),
  name: z.string().regex(/^[a-z][a-z0-9-]*$/, 'must be lower-case letters, digits and dashes'),
  version: z.string().min(1),
  description: z.string(),
  apiLevel: z.int().min(1),
  kinds: z.array(z.enum(['sink', 'source'])).min(1),
  /** Path of the entry module inside the package, for example `dist/index.js`. */
  entry: z.string().min(1),
  sink: z.object({ ...common, delivery: z.enum(['at-least-once', 'idempotent', 'transactional']) }).optional(),
  source: z.object({ ...common, delivery: z.enum(['at-most-once', 'at-least-once', 'replayable']) }).optional(),
  /** What it was made from, where that is known. */
  provenance: z
    .object({
      /** The last commit that changed something of it. */
      commit: z.string().optional(),
      /** The files differed from the commit. */
      modified: z.literal(true).optional(),
      /** sha256 in hex of the lockfile, which says what was installed. */
      lockfile: z.string().optional(),
    })
    .optional(),
  /** sha256 in hex of every file of the package but the manifest itself, by path inside the package. */
  files: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/)),
})

/** What an archive says of itself. */
export type Manifest = z.output<typeof manifestSchema>
