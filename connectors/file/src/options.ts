import { boolean, duration, size, stringList } from '@pulsar-io/sdk'
import * as z from 'zod'

/** The largest record by default: what a Pulsar broker takes when nobody changed its limit. */
const MAX_RECORD = 5 * 1024 * 1024

export const sourceOptions = z
  .strictObject({
    path: z.string().min(1).meta({ description: 'File to read, or folder whose files are read in the order of names' }),
    format: z.enum(['lines', 'ndjson', 'csv']).default('lines').meta({
      description: 'lines: each line is a text; ndjson: each line is a JSON value; csv: each row is an object',
    }),
    follow: boolean()
      .default(false)
      .meta({ description: 'Wait for what is appended, for new files and for rotation, instead of ending at the end' }),
    pattern: z
      .string()
      .min(1)
      .default('*')
      .meta({ description: 'Which files of a folder to read, by name: * stands for any text, ? for one character' }),
    encoding: z.enum(['utf-8', 'latin1']).default('utf-8').meta({ description: 'How the text is encoded' }),
    keyField: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'Field whose value becomes the key of the record (ndjson and csv)' }),
    header: boolean()
      .default(true)
      .meta({ description: 'csv: the first row names the columns; false needs `columns`' }),
    columns: stringList().optional().meta({
      description: 'csv: names of the columns, in order, where no header names them or other names are wanted',
    }),
    delimiter: z
      .string()
      .regex(/^[\t\x20-\x7e]$/, 'must be one ASCII character, for example , or ; or a tab')
      .refine(text => text !== '"', 'must not be the quote')
      .default(',')
      .meta({ description: 'csv: the character between two fields' }),
    onMalformed: z
      .enum(['fail', 'skip'])
      .default('fail')
      .meta({ description: 'What to do about a record that cannot be read: stop, or log it and go on' }),
    maxRecordSize: size({ min: 1, max: 512 * 1024 * 1024 })
      .default(MAX_RECORD)
      .meta({ description: 'A record longer than this is malformed' }),
    pollInterval: duration({ min: 10 })
      .default(1000)
      .meta({ description: 'How often a followed path is looked at where the system reports no change' }),
    rotateWait: duration().default(5000).meta({
      description: 'How long a followed file that was renamed away or deleted is still read after it last grew',
    }),
  })
  .superRefine((config, context) => {
    const problem = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    if (config.format === 'lines' && config.keyField !== undefined)
      problem('keyField', 'a line has no fields; use format ndjson or csv')
    if (config.format !== 'csv' && config.columns !== undefined) problem('columns', 'only for format csv')
    if (config.format === 'csv' && !config.header && !config.columns?.length)
      problem('columns', 'required where header is false: the names of the columns, in order')
  })

export type SourceConfig = z.output<typeof sourceOptions>

export const sinkOptions = z.strictObject({
  path: z
    .string()
    .min(1)
    .meta({ description: 'File to append to, or folder (ends with / or exists) that gets a file named like the sink' }),
  format: z
    .enum(['ndjson', 'lines'])
    .default('ndjson')
    .meta({ description: 'ndjson: one JSON value per line; lines: the value as text' }),
  maxSize: size({ min: 1 })
    .optional()
    .meta({ description: 'Begin the next numbered file before this size is exceeded' }),
  maxAge: duration({ min: 1 })
    .optional()
    .meta({ description: 'Begin the next numbered file with the first batch after this time' }),
  fsync: boolean().default(true).meta({
    description:
      'Force every batch to the disk before it counts as written; false survives a crash of the process only. EFFECTIVELY_ONCE always does it',
  }),
})

export type SinkConfig = z.output<typeof sinkOptions>
