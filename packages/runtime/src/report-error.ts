import { isConnectorError, type Problem } from '@pulsar-io/sdk'
import { EXIT } from './exit.ts'

/** An error as an operator reads it: what, where, its code, and where to read on. */
export function errorText(error: unknown, options: { readonly debug: boolean }): string {
  if (!isConnectorError(error)) return bugText(error)
  const { problems, notes } = error as { problems?: readonly Problem[]; notes?: readonly string[] }
  const lines: string[] = []
  if (problems !== undefined && problems.length > 1) {
    lines.push(`error: ${problems.length} problems [${error.code}]`, ...problems.map(each => `  ${problemText(each)}`))
  } else if (problems?.[0] !== undefined) {
    lines.push(`error: ${problemText(problems[0])} [${error.code}]`)
  } else {
    const [first, ...rest] = error.message.split('\n')
    lines.push(`error: ${first} [${error.code}]`, ...rest.map(line => `  ${line.trim()}`))
  }
  lines.push(...(notes ?? []).map(note => `  note: ${note}`))
  if (error.code !== 'PIO_USAGE') lines.push(`  see docs/errors.md#${error.code.toLowerCase()}`)
  if (options.debug && error.stack) lines.push(error.stack)
  return `${lines.join('\n')}\n`
}

function problemText({ path, message }: Problem): string {
  return path ? `${path}: ${message}` : message
}

function bugText(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return `error: this should not have happened; please report it with these lines\n${stack}\n`
}

/** The exit code of a start that did not succeed. */
export function startFailureCode(error: unknown): number {
  if (!isConnectorError(error)) return EXIT.failed
  if (error.code.startsWith('PIO_ARCHIVE_')) return EXIT.archive
  switch (error.retry) {
    case 'reconnect':
      return EXIT.unreachable
    // Wrong credentials are a wrong configuration until they have worked once.
    case 'block':
    case 'stop':
      return EXIT.usage
    default:
      return EXIT.failed
  }
}
