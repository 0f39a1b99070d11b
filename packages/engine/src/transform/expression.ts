import { ConfigError, RecordError } from '@pulsar-io/sdk/core'
import jsonata from 'jsonata'
import type { Operation } from './operation.ts'
import type { OpenSubject } from './subject.ts'

/** What one evaluation may take: milliseconds, nested calls, items of a list. A mistake must not stop the pipeline for ever. */
const BUDGET = { timeout: 1000, stack: 500, sequence: 1_000_000 }

/** Lets through the records for which an expression is true. */
export const filter: Operation = {
  short: rest => rest,
  make: settings => {
    const evaluate = compiled(settings)
    return {
      value: true,
      key: false,
      run: async record => {
        const result = await evaluate(record)
        if (result === true) return undefined
        if (result === false || result === undefined) return 'filtered'
        throw new RecordError('the expression of the filter gives neither true nor false', { code: 'PIO_TRANSFORM' })
      },
    }
  },
}

/** Puts the result of an expression in the place of the value. */
export const expression: Operation = {
  short: rest => rest,
  make: settings => {
    const evaluate = compiled(settings)
    return {
      value: true,
      key: false,
      run: async record => {
        const result = await evaluate(record)
        if (result === undefined || typeof result === 'function') {
          throw new RecordError('the expression gives nothing; to leave a record out use filter', {
            code: 'PIO_TRANSFORM',
          })
        }
        record.value = result
        return undefined
      },
    }
  },
}

function compiled(settings: unknown): (record: OpenSubject) => Promise<unknown> {
  if (typeof settings !== 'string' || settings.trim() === '') {
    throw new ConfigError([{ path: '', message: 'must be a JSONata expression' }])
  }
  let made: jsonata.Expression
  try {
    made = jsonata(settings, BUDGET)
  } catch (error) {
    const { message, position } = error as jsonata.JsonataError
    throw new ConfigError([
      { path: '', message: `not JSONata: ${message}${position ? ` at character ${position}` : ''}` },
    ])
  }
  return async ({ value, subject }) => {
    try {
      return await made.evaluate(asJson(value), {
        key: asJson(subject.keyValue ?? subject.key),
        topic: subject.topic,
        properties: subject.properties,
        eventTime: subject.eventTime,
      })
    } catch (error) {
      throw new RecordError(`the expression fails: ${reasonOf(error)}`, { code: 'PIO_TRANSFORM' })
    }
  }
}

/** JSONata knows what JSON knows: a 64-bit number that a double would round becomes text, and so do dates and bytes. */
function asJson(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : value.toString()
  }
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(asJson)
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
  }
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, asJson(part)]))
}

/** What went wrong, without the value that JSONata puts into its messages. */
function reasonOf(error: unknown): string {
  const { message = String(error), code, value } = error as { message?: string; code?: string; value?: unknown }
  let text = message
  // The budget is no secret.
  if (value !== undefined && code !== 'D1012') {
    for (const shown of [JSON.stringify(value), String(value)]) if (shown) text = text.replaceAll(shown, '…')
  }
  return code ? `${text} (${code})` : text
}
