import type { Field } from './fields.ts'

/** What the worker said against a configuration, by the path of the input; the rest belongs to none. */
export interface Refusal {
  readonly fields: { readonly [path: string]: string }
  readonly rest: string
}

/** Pulsar's words for a sink without topics. */
const NO_INPUT = /^Must specify at least one topic/

/** Distributes the lines of a reason (`path: what is wrong`) over the inputs that they are about. */
export function refusalOf(reason: string, fields: readonly Field[]): Refusal {
  const found: { [path: string]: string } = {}
  const rest: string[] = []
  for (const line of reason.split('\n')) {
    const [, said = '', message = ''] = /^([^\s:]+): (.*)$/.exec(line) ?? []
    const path = NO_INPUT.test(line) ? 'inputs' : pathOf(said, fields)
    if (path === undefined || !fields.some(field => field.path === path)) rest.push(line)
    else
      found[path] = [...(found[path] === undefined ? [] : [found[path]]), NO_INPUT.test(line) ? line : message].join(
        '\n',
      )
  }
  return { fields: found, rest: rest.join('\n') }
}

/** The input with the longest path that a path is, or is inside of. */
function pathOf(said: string, fields: readonly Field[]): string | undefined {
  return fields
    .map(({ path }) => path)
    .filter(path => said === path || said.startsWith(`${path}.`) || said.startsWith(`${path}[`))
    .sort((a, b) => b.length - a.length)[0]
}
