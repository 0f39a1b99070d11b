import { openAsBlob } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { AdminError } from './errors.ts'
import type { FormPart } from './multipart.ts'

/** Schemes that servers fetch packages by; what they allow of it is their own business. */
const FETCHED = /^(https?|file|function|sink|source):\/\//i

/** What goes with a configuration: the archive's bytes, where the server gets it, or nothing where it has it. */
export async function packagePart(archive: string | URL | undefined): Promise<FormPart | undefined> {
  if (archive === undefined) return undefined
  const text = String(archive)
  if (/^builtin:\/\//i.test(text)) return undefined
  if (archive instanceof URL || FETCHED.test(text)) return { name: 'url', type: 'text/plain', content: text }
  return {
    name: 'data',
    type: 'application/octet-stream',
    filename: basename(text),
    content: await fileBlob(text),
  }
}

/** A file that is read while it is sent. */
async function fileBlob(path: string): Promise<Blob> {
  try {
    if ((await stat(path)).isDirectory()) throw new Error('it is a folder')
    return await openAsBlob(path)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'permission denied' : message
    throw new AdminError('PIO_ADMIN_OPTIONS', `cannot read the archive ${path}: ${why}`, { cause: error })
  }
}
