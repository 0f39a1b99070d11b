import type { IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { LineDecoder } from './framing.ts'
import type { Config } from './options.ts'
import type { ToValue } from './values.ts'
import { messageOf } from './wait.ts'

const unzip = promisify(gunzip)

/** A request that is answered with a status other than success. */
export class Refusal extends Error {
  readonly status: number
  readonly headers: { readonly [name: string]: string }

  constructor(status: number, message: string, headers: { readonly [name: string]: string } = {}) {
    super(message)
    this.status = status
    this.headers = headers
  }
}

/** Too much is under way: the client should come back. */
export function busy(message: string): Refusal {
  return new Refusal(503, message, { 'retry-after': '1' })
}

/** A share of the memory bound, which grows with a request; {@link Reservation.release} gives all of it back. */
export interface Reservation {
  /** Throws a {@link Refusal} where the bound does not allow `bytes` more. */
  grow(bytes: number): void
  shrink(bytes: number): void
  release(): void
}

/** Throws a {@link Refusal} for a request that its headers alone rule out. */
export function checkHeaders(request: IncomingMessage, config: Config): void {
  const encoding = encodingOf(request)
  if (encoding !== 'identity' && encoding !== 'gzip')
    throw new Refusal(415, `content encoding ${encoding} is not supported; send gzip or none`, {
      'accept-encoding': 'gzip',
    })
  if (Number(request.headers['content-length'] ?? 0) > config.maxBodyBytes) throw tooLarge(config)
}

/** Reads the body, unpacked. Throws a {@link Refusal}; rejects also when the client goes away. */
export async function readBody(request: IncomingMessage, config: Config, memory: Reservation): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  await new Promise<void>((resolve, reject) => {
    const stop = (error: Error) => {
      // The request goes on flowing: what still comes is thrown away, so that the client gets to read the answer.
      request.removeAllListeners('data')
      reject(error)
    }
    request.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > config.maxBodyBytes) return stop(tooLarge(config))
      try {
        memory.grow(chunk.length)
      } catch (error) {
        return stop(error as Error)
      }
      chunks.push(chunk)
    })
    request.on('end', resolve)
    request.on('error', reject)
    request.on('close', () => reject(new Error('the client went away')))
  })
  const body = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
  return encodingOf(request) === 'gzip' ? inflate(body, config, memory) : body
}

/** The values of a body, all of them or a {@link Refusal}: nothing is published of a request that is partly wrong. */
export function valuesOf(body: Buffer, request: IncomingMessage, config: Config, toValue: ToValue): unknown[] {
  const lines = config.bodyFraming === 'lines' || (config.bodyFraming === 'auto' && isNdjson(request))
  const parts = lines ? splitLines(body) : [body]
  if (body.length === 0 || parts.length === 0)
    throw new Refusal(400, 'the body is empty; send one record, or one per line')
  return parts.map((part, i) => {
    try {
      return toValue(part)
    } catch (error) {
      throw new Refusal(400, `${lines ? `record ${i + 1}: ` : ''}${messageOf(error)}; nothing was published`)
    }
  })
}

function splitLines(body: Buffer): Buffer[] {
  const lines: Buffer[] = []
  const decoder = new LineDecoder(body.length)
  decoder.push(body, lines)
  decoder.end(lines)
  return lines.filter(line => line.length > 0)
}

async function inflate(body: Buffer, config: Config, memory: Reservation): Promise<Buffer> {
  // Nobody knows how large it gets, so the most is set aside first.
  memory.grow(config.maxBodyBytes)
  try {
    const inflated = await unzip(body, { maxOutputLength: config.maxBodyBytes })
    memory.shrink(config.maxBodyBytes - inflated.length)
    return inflated
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(config)
    throw new Refusal(400, `the body is not gzip as its content-encoding says: ${messageOf(error)}`)
  }
}

function tooLarge(config: Config): Refusal {
  return new Refusal(413, `the body is larger than maxBodyBytes, ${config.maxBodyBytes} bytes; send less at a time`)
}

function encodingOf(request: IncomingMessage): string {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() || 'identity'
  return encoding === 'x-gzip' ? 'gzip' : encoding
}

function isNdjson(request: IncomingMessage): boolean {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? ''
  return /^application\/(x-)?(ndjson|jsonlines|jsonl)$/.test(type)
}
