/** A block of a walk-through: a file to write, a command to run, or a statement for the database. */
export interface Step {
  /** Line of the fence, from 1. */
  readonly line: number
  readonly kind: 'file' | 'command' | 'statement'
  /** Path of the file; empty for the others. */
  readonly path: string
  readonly text: string
  /** The `text output` block right behind it. */
  readonly output: string | undefined
}

/** The blocks fenced as `… file=PATH`, `sh step` and `sql`, in their order. Any other block is only to be read. */
export function walkthrough(markdown: string): readonly Step[] {
  const fence = /^```(\w+) ?(\S*)\n([\s\S]*?)^```\n(?:\n```text output\n([\s\S]*?)^```$)?/gm
  const steps: Step[] = []
  for (const match of markdown.matchAll(fence)) {
    const [, language = '', label = '', text = '', output] = match
    const line = markdown.slice(0, match.index).split('\n').length
    const path = label.startsWith('file=') ? label.slice('file='.length) : ''
    const kind = path !== '' ? 'file' : language === 'sql' ? 'statement' : label === 'step' ? 'command' : undefined
    if (kind) steps.push({ line, kind, path, text, output })
  }
  return steps
}
