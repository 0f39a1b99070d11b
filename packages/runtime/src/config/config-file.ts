import { readFile } from 'node:fs/promises'
import type { Problem } from '@pulsar-io/sdk'
import { jsonMistake } from './json-error.ts'

/** A configuration as text somewhere: a file, or a flag with JSON in it. */
export interface ConfigText {
  /** How problems name it: the path as it was given, or the flag. */
  readonly label: string
  readonly text: string
  /** One value per document; only YAML has several. */
  readonly documents: readonly unknown[]
}

/** Names a place: a document of a text, and a path in it. */
export type ConfigPath = readonly (string | number)[]

/** Reads a JSON or YAML file; undefined when it could not be had, and then `problems` says why. */
export async function readConfigFile(path: string, flag: string, problems: Problem[]): Promise<ConfigText | undefined> {
  if (path === '') {
    problems.push({ path: flag, message: 'is empty; give a file' })
    return undefined
  }
  let text: string
  try {
    // Some editors begin a file with a byte order mark.
    text = (await readFile(path, 'utf8')).replace(/^\uFEFF/, '')
  } catch (error) {
    problems.push({ path: flag, message: `cannot read ${path}: ${readFailure(error)}` })
    return undefined
  }
  return parseConfigText(path, text, problems)
}

/** Reads JSON, and YAML where it is no JSON. */
export async function parseConfigText(
  label: string,
  text: string,
  problems: Problem[],
): Promise<ConfigText | undefined> {
  const isJson = /^\s*[{[]/.test(text)
  if (isJson) {
    try {
      return { label, text, documents: [JSON.parse(text)] }
    } catch (error) {
      if (!/\.ya?ml$/i.test(label)) {
        const { message, position } = jsonMistake(text, error)
        problems.push({ path: label + place(lineStarts(text), position), message: `not JSON: ${message}` })
        return undefined
      }
      // YAML has a flow style that looks like JSON: its own parser decides.
    }
  }
  const { parseAllDocuments } = await import('./yaml.ts')
  const parsed = parseAllDocuments(text, { prettyErrors: false, stringKeys: true })
  // Text without any document comes back as an empty list.
  if (parsed.length === 0) return { label, text, documents: [null] }
  const lines = lineStarts(text)
  const broken = parsed.flatMap(document => document.errors)
  for (const error of broken) {
    problems.push({ path: `${label}${place(lines, error.pos[0])}`, message: `not YAML: ${unquoted(error.message)}` })
  }
  if (broken.length > 0) return undefined
  try {
    return { label, text, documents: parsed.map(document => document.toJS({ maxAliasCount: 100 }) as unknown) }
  } catch (error) {
    problems.push({ path: label, message: `not YAML: ${(error as Error).message}` })
    return undefined
  }
}

/**
 * The lines, counted from 1, of options in a text; undefined for what is not there. Loads the YAML parser, which reads
 * JSON as well: only for messages.
 */
export async function lineFinder(
  source: ConfigText,
): Promise<(document: number, path: ConfigPath) => number | undefined> {
  const { isMap, isNode, isScalar, parseAllDocuments } = await import('./yaml.ts')
  const parsed = parseAllDocuments(source.text, { prettyErrors: false })
  const lines = lineStarts(source.text)
  return (document, path) => {
    let node: unknown = parsed[document]?.contents
    let line = isNode(node) ? lineOf(lines, node.range?.[0] ?? 0) : undefined
    for (const part of path) {
      if (isMap(node)) {
        const pair = node.items.find(item => isScalar(item.key) && String(item.key.value) === String(part))
        if (!pair || !isScalar(pair.key)) return undefined
        line = lineOf(lines, pair.key.range?.[0] ?? 0)
        node = pair.value
      } else if (typeof node === 'object' && node !== null && 'items' in node && Array.isArray(node.items)) {
        node = node.items[Number(part)]
        if (!isNode(node)) return undefined
        line = lineOf(lines, node.range?.[0] ?? 0)
      } else {
        return undefined
      }
    }
    return line
  }
}

/** Why a file could not be read, in words. */
export function readFailure(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EACCES') return 'permission denied'
  if (code === 'EISDIR') return 'it is a folder'
  return (error as Error).message
}

/** Some messages quote the text, and there may be a secret in it. */
function unquoted(message: string): string {
  return message.replace(/:? "[\s\S]*$/, '')
}

function lineStarts(text: string): readonly number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

function lineOf(starts: readonly number[], position: number): number {
  const line = starts.findIndex(start => start > position)
  return line === -1 ? starts.length : line
}

function place(starts: readonly number[], position: number): string {
  const line = lineOf(starts, position)
  return `:${line}:${position - (starts[line - 1] ?? 0) + 1}`
}
