import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { MultipartFile } from '@fastify/multipart'
import { parseJson } from '@pulsar-io/sdk'
import type { FastifyRequest } from 'fastify'
import { isObject, type RawConfig } from '../connectors/check.ts'
import type { GivenConnector } from '../connectors/service.ts'
import type { KindFacts } from '../kinds.ts'
import { ReplyError } from '../reply-error.ts'

/** Where uploads go, and how large they may be. */
export interface UploadOptions {
  readonly folder: string
  readonly uploadBytes: number
  readonly bodyBytes: number
}

/** Empties the folder of uploads: what is there was left by a worker that was killed. */
export async function emptyUploads(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true })
}

/**
 * Reads what a request brings to make or change a connector: Pulsar's multipart body, or a configuration as JSON.
 * Gives it to `use`; an upload is gone from the disk when that has ended, however.
 * Throws a ReplyError (400, 413) for a body that is none.
 */
export async function withGiven<T>(
  request: FastifyRequest,
  facts: KindFacts,
  options: UploadOptions,
  use: (given: GivenConnector) => Promise<T>,
): Promise<T> {
  if (!request.isMultipart()) return use({ config: jsonConfig(request.body) })
  const path = join(options.folder, `${randomUUID()}.upload`)
  try {
    return await use(await readParts(request, facts, options, path))
  } finally {
    await rm(path, { force: true })
  }
}

async function readParts(
  request: FastifyRequest,
  facts: KindFacts,
  options: UploadOptions,
  path: string,
): Promise<GivenConnector> {
  let config: RawConfig | undefined
  let url: string | undefined
  let filename: string | undefined
  try {
    for await (const part of request.parts({
      limits: { fileSize: options.uploadBytes, fieldSize: options.bodyBytes },
    })) {
      if (part.fieldname === facts.configPart) {
        const value = part.type === 'file' ? await smallText(part.file, options.bodyBytes) : part.value
        config = configOf(facts, value)
      } else if (part.type === 'file' && part.fieldname === 'data') {
        filename = basename(part.filename || 'data')
        await keep(part, path, options.uploadBytes)
      } else if (part.type === 'file') {
        // Not ours; it has to be read for the next part to come.
        part.file.resume()
      } else if (part.fieldname === 'url' && typeof part.value === 'string') url = part.value.trim()
    }
  } catch (error) {
    throw error instanceof ReplyError ? error : damaged(error)
  }
  if (config === undefined)
    throw new ReplyError(400, `${facts.title} config is not provided: the part "${facts.configPart}" is missing`)
  if (filename !== undefined && url) throw new ReplyError(400, 'give the archive as "data" or as "url", not both')
  if (filename !== undefined) return { config, package: { type: 'upload', path, filename } }
  return url ? { config, package: { type: 'url', url } } : { config }
}

async function keep(part: MultipartFile, path: string, limit: number): Promise<void> {
  await pipeline(part.file, createWriteStream(path, { flags: 'wx', mode: 0o600 }))
  if (part.file.truncated) {
    throw new ReplyError(413, `the archive is larger than ${limit} bytes, which no connector needs (--max-upload-size)`)
  }
}

async function smallText(file: Readable, limit: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of file) {
    size += (chunk as Buffer).length
    if (size > limit) throw new ReplyError(413, `the configuration is larger than ${limit} bytes`)
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString()
}

function configOf(facts: KindFacts, value: unknown): RawConfig {
  const parsed = typeof value === 'string' ? parsedText(facts.configPart, value) : value
  if (isObject(parsed)) return parsed
  throw new ReplyError(400, `${facts.configPart}: must be a JSON object`)
}

function jsonConfig(body: unknown): RawConfig {
  if (isObject(body)) return body
  throw new ReplyError(
    400,
    'the body must be multipart/form-data as Pulsar takes it, or a configuration as a JSON object',
  )
}

function parsedText(what: string, text: string): unknown {
  try {
    return parseJson(text)
  } catch (error) {
    throw new ReplyError(400, `${what}: not JSON (${(error as Error).message})`, { cause: error })
  }
}

/** What the reader of multipart bodies says, as an answer. */
function damaged(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { statusCode, code } = error as Error & { readonly statusCode?: number; readonly code?: string }
  if (code === 'ENOSPC' || code === 'EACCES' || code === 'EROFS') return error
  if (statusCode === 413) return new ReplyError(413, error.message, { cause: error })
  if (code === 'FST_INVALID_JSON_FIELD_ERROR')
    return new ReplyError(400, 'the configuration is not JSON', { cause: error })
  return new ReplyError(400, `the multipart body cannot be read: ${error.message}`, { cause: error })
}
