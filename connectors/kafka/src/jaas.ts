/** What a login in Java's notation says. */
export interface Jaas {
  /** The last part of the class, for example `PlainLoginModule`. */
  readonly module: string
  readonly options: { readonly [name: string]: string }
}

/**
 * Reads `package.PlainLoginModule required username="a" password="b";`. Throws an Error that tells the place and never
 * the text, which holds a password.
 */
export function parseJaas(text: string): Jaas {
  const head = /^\s*([\w.$]+)\s+(required|requisite|sufficient|optional)\b/i.exec(text)
  if (!head)
    throw new Error(
      'must begin with a class and "required", as in org.apache.kafka.common.security.plain.PlainLoginModule required …',
    )
  const options: { [name: string]: string } = {}
  const option = /\s*([\w.]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s;"']+))/y
  let at = head[0].length
  for (;;) {
    option.lastIndex = at
    const match = option.exec(text)
    if (!match) break
    const [, name = '', double, single, bare] = match
    options[name] = (double ?? single ?? bare ?? '').replace(/\\(.)/g, '$1')
    at = option.lastIndex
  }
  if (!/^\s*;\s*$/.test(text.slice(at)))
    throw new Error(`cannot be read from character ${at + 1} on: expected name="value" or a semicolon at the end`)
  return { module: head[1]?.split('.').at(-1) ?? '', options }
}
