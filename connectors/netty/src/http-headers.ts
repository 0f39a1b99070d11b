import { isUtf8 } from 'node:buffer'
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Properties } from '@pulsar-io/sdk'
import { Refusal } from './http-body.ts'
import type { Config } from './options.ts'

/** What the headers say of all records of a request. */
export interface Envelope {
  readonly key?: string
  readonly eventTime?: number
  readonly properties?: Properties
}

/** Reads the configured headers. Throws a {@link Refusal} for an event time that is none. */
export function envelopeOf(request: IncomingMessage, config: Config): Envelope {
  const key = header(request, config.keyHeader)
  const time = header(request, config.eventTimeHeader)
  const properties: { [name: string]: string } = {}
  for (const name of config.propertyHeaders) {
    const value = header(request, name)
    if (value !== undefined) properties[name] = value
  }
  if (config.remoteAddressProperty) properties[config.remoteAddressProperty] = request.socket.remoteAddress ?? ''
  return {
    ...(key === undefined ? {} : { key }),
    ...(time === undefined ? {} : { eventTime: eventTime(time, config.eventTimeHeader) }),
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
  }
}

/** A check whether a request brings the token; without a token every one does. */
export function tokenCheck(token: string): (request: IncomingMessage) => boolean {
  if (token === '') return () => true
  const expected = digest(token)
  // Digests have the same length whatever was sent, so the comparison takes the same time.
  return request => {
    const sent = /^Bearer +(\S+) *$/i.exec(header(request, 'authorization') ?? '')?.[1]
    return timingSafeEqual(digest(sent ?? ''), expected)
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** A header as text. Node reads headers as Latin-1, but clients that send other letters mean UTF-8. */
function header(request: IncomingMessage, name: string): string | undefined {
  const value = name === '' ? undefined : request.headers[name.toLowerCase()]
  const text = Array.isArray(value) ? value.join(', ') : value
  // Most are plain ASCII, which is the same in both.
  if (text === undefined || !/[\u0080-\u00ff]/.test(text)) return text
  const bytes = Buffer.from(text, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : text
}

function eventTime(text: string, name: string): number {
  const time = /^\d+$/.test(text) ? Number(text) : Date.parse(text)
  if (Number.isSafeInteger(time) && time >= 0) return time
  throw new Refusal(400, `${name}: expected milliseconds since 1970 or a time such as 2024-05-01T12:00:00Z`)
}
