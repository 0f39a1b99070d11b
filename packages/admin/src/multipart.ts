import { randomBytes } from 'node:crypto'

/** One part of a form. */
export interface FormPart {
  readonly name: string
  readonly type: string
  readonly content: Blob | string
  /** Makes it a file. */
  readonly filename?: string
}

/**
 * A form as pulsar-admin sends it: a part with a type and no file name, which FormData cannot make and without which a
 * server takes the configuration for a file. Parts stay where they are until they are sent.
 */
export function multipart(parts: readonly FormPart[]): Blob {
  // The type of a Blob is in lower case.
  const boundary = `pulsar-io-${randomBytes(16).toString('hex')}`
  const pieces = parts.flatMap(({ name, type, content, filename }) => {
    const file = filename === undefined ? '' : `; filename="${quoted(filename)}"`
    return [
      `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(name)}"${file}\r\nContent-Type: ${type}\r\n\r\n`,
      content,
      '\r\n',
    ]
  })
  return new Blob([...pieces, `--${boundary}--\r\n`], { type: `multipart/form-data; boundary=${boundary}` })
}

/** As the forms of HTML do it. */
function quoted(text: string): string {
  return text.replace(/\r/g, '%0D').replace(/\n/g, '%0A').replace(/"/g, '%22')
}
