import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ConfigError, ConnectionError, type ConnectorError, isConnectorError } from '@pulsar-io/sdk'

/** The code of a system error (`ENOENT`…), or undefined for anything else. */
export function errno(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined
}

/** Errors that only another configuration, or another owner of the file, gets rid of. */
const REFUSED = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENAMETOOLONG', 'EEXIST'])

/** What a source says about a file that it cannot read. */
export function readProblem(error: unknown, path: string): Error {
  if (isConnectorError(error)) return error
  const code = errno(error)
  if (code === undefined) return error instanceof Error ? error : new Error(String(error))
  if (code === 'ENOENT') return notFound(path, error)
  if (REFUSED.has(code))
    return new ConfigError(
      [{ path: 'path', message: `cannot read ${path} (${code}); check its owner and permissions` }],
      {
        code: 'PIO_FILE_NOT_READABLE',
        cause: error,
      },
    )
  return new ConnectionError(`reading ${path} failed: ${text(error)}`, { code: 'PIO_FILE_READ', cause: error })
}

export function notFound(path: string, cause?: unknown): ConnectorError {
  return new ConfigError([{ path: 'path', message: `${path} does not exist; set follow to wait for it` }], {
    code: 'PIO_FILE_NOT_FOUND',
    cause,
  })
}

/** What a sink says about a file that it cannot write. */
export async function writeProblem(error: unknown, path: string): Promise<Error> {
  if (isConnectorError(error)) return error
  const code = errno(error)
  if (code === undefined) return error instanceof Error ? error : new Error(String(error))
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const reason = code === 'EDQUOT' ? 'the disk quota is used up' : `the disk is full${await freeSpace(path)}`
    return new ConnectionError(`${reason}: cannot write ${path}; make room, writing goes on by itself`, {
      code: 'PIO_FILE_DISK_FULL',
      cause: error,
    })
  }
  if (REFUSED.has(code))
    return new ConfigError(
      [{ path: 'path', message: `cannot write ${path} (${code}); check its folder and permissions` }],
      {
        code: 'PIO_FILE_NOT_WRITABLE',
        cause: error,
      },
    )
  return new ConnectionError(`writing ${path} failed: ${text(error)}`, { code: 'PIO_FILE_WRITE', cause: error })
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

async function freeSpace(path: string): Promise<string> {
  try {
    const { bavail, bsize } = await statfs(dirname(path))
    return ` (${bavail * bsize} bytes free)`
  } catch {
    // The number is only an extra to a message that is complete without it.
    return ''
  }
}

/** At most 120 characters of a text, on one line. */
export function shorten(text: string): string {
  const line = text.replace(/[\r\n]+/g, '⏎')
  return line.length > 120 ? `${line.slice(0, 117)}…` : line
}
