import type { ConnectorKind, Problem } from '@pulsar-io/sdk'
import { type ConfigPath, type ConfigText, lineFinder } from './config-file.ts'
import { type Shape, shapeName } from './shape.ts'

/** A text that fields came from. */
export interface Origin {
  readonly text: ConfigText
  readonly document: number
  /** Where in the document the connector stands. */
  readonly at?: ConfigPath
  readonly shape: Shape
}

/** Remembers where each field of one connector was written, so that a problem can point there. */
export class Origins {
  readonly #kind: ConnectorKind
  readonly #flags = new Map<string, string>()
  readonly #files: Origin[] = []

  constructor(kind: ConnectorKind) {
    this.#kind = kind
  }

  flag(field: string, name: string): void {
    this.#flags.set(field, name)
  }

  file(origin: Origin): void {
    this.#files.unshift(origin)
  }

  /**
   * Names the place in front of each path, and tells how the files were read. `options`: what the connector says of its
   * own options, which are in a file or in `--<kind>-config` even where they are missing.
   */
  async explain(
    problems: readonly Problem[],
    options: readonly Problem[] = [],
  ): Promise<{ readonly problems: readonly Problem[]; readonly notes: readonly string[] }> {
    if (problems.length + options.length === 0) return { problems, notes: [] }
    const finders = await Promise.all(
      this.#files.map(async origin => ({ origin, find: await lineFinder(origin.text) })),
    )
    // How a file was read helps with what it says or misses, not with a flag.
    const meant = new Set<Origin>()
    const explained = [...problems, ...options].map(problem => {
      if (problem.path === '') return problem
      const flag = this.#flagOf(problem.path)
      if (flag !== undefined) return { path: flag, message: problem.message }
      const path = splitPath(problem.path)
      for (const { origin, find } of finders) {
        const line = candidates(path, origin)
          .map(each => find(origin.document, each))
          .find(each => each !== undefined)
        if (line === undefined) continue
        meant.add(origin)
        return { path: `${labelOf(origin, line)} ${problem.path}`, message: hint(problem, origin, this.#kind) }
      }
      // What is not there has no line of its own.
      const [last] = finders
      if (last) meant.add(last.origin)
      const line = last?.origin.at && last.find(last.origin.document, last.origin.at)
      if (last && (line !== undefined || options.includes(problem))) {
        return { ...problem, path: `${labelOf(last.origin, line)} ${problem.path}` }
      }
      return options.includes(problem) ? { ...problem, path: `--${this.#kind}-config ${problem.path}` } : problem
    })
    return { problems: explained, notes: this.#notes(meant) }
  }

  #flagOf(path: string): string | undefined {
    for (const [field, flag] of this.#flags) {
      if (path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`)) {
        return path === field ? flag : `${flag} ${path.slice(field.length).replace(/^\./, '')}`
      }
    }
    return undefined
  }

  #notes(meant: ReadonlySet<Origin>): readonly string[] {
    return [...meant].map(({ text, shape }) => {
      const name = shapeName(this.#kind)
      return shape.reading === 'pulsar'
        ? `${text.label} was read as a ${name}, because ${shape.because}; the connector's own options go under configs`
        : `${text.label} was read as the connector's own options, because ${shape.because}`
    })
  }
}

function labelOf({ text }: Origin, line: number | undefined): string {
  const inFlag = text.label.startsWith('--') && !text.text.includes('\n')
  return line === undefined || inFlag ? text.label : `${text.label}:${line}`
}

function hint(problem: Problem, { shape }: Origin, kind: ConnectorKind): string {
  return shape.misplaced.includes(problem.path)
    ? `an option of the connector, not of ${shapeName(kind)}; move it under configs`
    : problem.message
}

/** A field of Pulsar's stands at its path; an option stands under `configs`, or at the top of a bare file. */
function candidates(path: ConfigPath, { shape, at = [] }: Origin): readonly ConfigPath[] {
  const option = path[0] === 'configs' ? path.slice(1) : path
  return shape.reading === 'bare'
    ? [[...at, ...option]]
    : [
        [...at, ...path],
        [...at, 'configs', ...option],
      ]
}

/** `a.b[0]` as its parts. */
function splitPath(path: string): ConfigPath {
  return path
    .split(/\.|(?=\[\d+\])/)
    .filter(part => part !== '')
    .map(part => (/^\[\d+\]$/.test(part) ? Number(part.slice(1, -1)) : part))
}
