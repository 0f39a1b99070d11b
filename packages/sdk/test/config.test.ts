import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import {
  boolean,
  configJsonSchema,
  duration,
  integer,
  number,
  parseConfig,
  secret,
  size,
  stringList,
} from '../src/index.ts'

const schema = z.strictObject({
  host: z.string().default('127.0.0.1').meta({ description: 'Address to listen on' }),
  port: integer({ min: 0, max: 65535 }).meta({ description: 'Port to listen on' }),
  mode: z.enum(['tcp', 'udp', 'http']).default('tcp').meta({ description: 'Protocol' }),
  verbose: boolean().default(false).meta({ description: 'Say more' }),
  ratio: number({ min: 0, max: 1 }).optional().meta({ description: 'Share' }),
  timeout: duration({ max: 60_000 }).default(1000).meta({ description: 'Patience' }),
  limit: size().default(1024).meta({ description: 'Bound' }),
  urls: stringList().default([]).meta({ description: 'Addresses' }),
  tls: z.strictObject({ key: secret().optional() }).optional().meta({ description: 'TLS' }),
})

const problemsOf = (raw: unknown) => {
  const result = parseConfig(schema, raw)
  return result.ok ? [] : result.problems.map(({ path, message }) => `${path}: ${message}`)
}

describe('parseConfig', () => {
  it('takes numbers, booleans, durations, sizes and lists as text, as existing config files write them', () => {
    const result = parseConfig(schema, {
      port: '10911',
      verbose: 'TRUE',
      ratio: '0.5',
      timeout: '2s',
      limit: '64KiB',
      urls: 'a, b',
    })
    expect(result).toEqual({
      ok: true,
      config: {
        host: '127.0.0.1',
        port: 10911,
        mode: 'tcp',
        verbose: true,
        ratio: 0.5,
        timeout: 2000,
        limit: 65536,
        urls: ['a', 'b'],
      },
    })
  })

  it('refuses whole numbers beyond 2^53, which JSON gives as bigint', () => {
    const much = 10n ** 22n
    expect(problemsOf({ port: much, verbose: much, ratio: much, timeout: much, limit: much, urls: [much] })).toEqual([
      `port: must not be beyond ±${Number.MAX_SAFE_INTEGER}, got ${much}`,
      `verbose: must be true or false, got ${much}`,
      'ratio: must be at most 1, got 1e+22',
      `timeout: must be a duration such as 500ms, 2s or 5m, got ${much}`,
      `limit: must be a size such as 64KiB or 5MiB, got ${much}`,
      `urls: must be a list of strings, got [${much}]`,
    ])
  })

  it('lists every problem at once, unknown options first and with a suggestion', () => {
    expect(problemsOf({ prot: 1, mode: 'tpc', limit: 'much', tls: { kye: 'x' } })).toEqual([
      'tls.kye: not an option; did you mean key?',
      'prot: not an option; did you mean port?',
      'port: required: Port to listen on',
      'mode: must be one of tcp, udp, http, got "tpc"; did you mean tcp?',
      'limit: must be a size such as 64KiB or 5MiB, got "much"',
    ])
  })

  it.each([
    [{ port: 70000 }, 'port: must be at most 65535, got 70000'],
    [{ port: -1 }, 'port: must be at least 0, got -1'],
    [{ port: '80a' }, 'port: must be a number, got "80a"'],
    [{ port: 1.5 }, 'port: must be a whole number, got 1.5'],
    [{ port: 1, verbose: 'yes' }, 'verbose: must be true or false, got "yes"'],
    [{ port: 1, timeout: '2 parsecs' }, 'timeout: must be a duration such as 500ms, 2s or 5m, got "2 parsecs"'],
    [{ port: 1, timeout: '2m' }, 'timeout: must be at most 60000 ms, got 120000'],
    [{ port: 1, urls: [1] }, 'urls: must be a list of strings, got [1]'],
    [{ port: null }, 'port: must be a number, got null'],
  ])('refuses %j', (raw, message) => {
    expect(problemsOf(raw)).toEqual([message])
  })

  it('never shows the value of a secret', () => {
    expect(problemsOf({ port: 1, tls: { key: 12345678 } }).join()).not.toContain('12345678')
  })

  it('takes a missing configuration as an empty one', () => {
    expect(problemsOf(undefined)).toEqual(['port: required: Port to listen on'])
  })
})

describe('configJsonSchema', () => {
  it('says what an operator may write, and marks secrets', () => {
    const json = configJsonSchema(schema) as {
      properties: { [name: string]: object }
      required: string[]
      additionalProperties: boolean
    }
    expect(json.additionalProperties).toBe(false)
    expect(json.required).toEqual(['port'])
    expect(json.properties.port).toMatchObject({
      type: ['integer', 'string'],
      minimum: 0,
      maximum: 65535,
      description: 'Port to listen on',
    })
    expect(json.properties.timeout).toMatchObject({ default: 1000, type: ['number', 'string'] })
    expect(json.properties.tls).toMatchObject({ properties: { key: { writeOnly: true, format: 'password' } } })
  })
})
