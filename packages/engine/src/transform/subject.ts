import { isUtf8 } from 'node:buffer'
import type { Properties } from '@pulsar-io/sdk'
import { parseJson, RecordError, stringifyJson } from '@pulsar-io/sdk/core'

/** A record on its way through a chain. */
export interface Subject {
  value: unknown
  /** As text. */
  key: string | undefined
  /** Of a KEY_VALUE record: its key; `key` follows it. Undefined for any other record. */
  keyValue?: unknown
  readonly topic: string
  readonly properties: Properties
  readonly eventTime: number | undefined
}

/** A record whose value is open: text and bytes that hold JSON are what that JSON says, and become such again. */
export class OpenSubject {
  readonly subject: Subject
  readonly #before: unknown
  readonly #carrier: 'text' | 'bytes' | undefined
  value: unknown

  /** `open`: whether somebody looks into the value at all. */
  constructor(subject: Subject, open: boolean) {
    this.subject = subject
    const { value } = subject
    if (open && typeof value === 'string') {
      this.#carrier = 'text'
      this.value = jsonOr(value, value)
    } else if (open && value instanceof Uint8Array) {
      this.#carrier = 'bytes'
      const text = isUtf8(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString() : undefined
      this.value = text === undefined ? value : jsonOr(text, text)
    } else this.value = value
    this.#before = this.value
  }

  /** Gives the value back to the record, in the form in which it came. */
  close(): void {
    const { value } = this
    if (value === this.#before) return
    if (this.#carrier === undefined || value === null || value instanceof Uint8Array) this.subject.value = value
    else {
      const text = typeof value === 'string' ? value : stringifyJson(value)
      this.subject.value = this.#carrier === 'text' ? text : Buffer.from(text)
    }
  }

  /** Puts another key in the place of the key. */
  setKey(key: unknown): void {
    if (this.subject.keyValue !== undefined) this.subject.keyValue = key
    else if (key === undefined || key === null || typeof key === 'string') this.subject.key = key ?? undefined
    else throw new RecordError('the key has to stay text', { code: 'PIO_TRANSFORM' })
  }
}

function jsonOr<T>(text: string, otherwise: T): unknown {
  // Cheaper than an error for what cannot be JSON.
  if (!/^\s*[[{"\d\-tfn]/.test(text)) return otherwise
  try {
    return parseJson(text)
  } catch {
    // Not JSON: it is text.
    return otherwise
  }
}
