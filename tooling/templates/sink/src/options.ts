import { duration, integer, secret } from '@pulsar-io/sdk'
import * as z from 'zod'

/** What an operator may write. Types, checks, the JSON Schema and the table in the README all come from here. */
export const options = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').meta({ description: 'Name or address of the server.' }),
  port: integer({ min: 1, max: 65535 }).default(7000).meta({ description: 'Port of the server.' }),
  stream: z.string().min(1).meta({ description: 'Where the records go. It has to be there.' }),
  password: secret().default('').meta({ description: 'Password, where the server asks for one.' }),
  timeout: duration({ min: 100 }).default(10_000).meta({ description: 'How long the server may take to answer.' }),
})

/** A checked configuration. */
export type Config = z.output<typeof options>
