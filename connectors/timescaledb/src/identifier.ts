/** A name as SQL takes it, whatever characters it has. */
export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text as SQL takes it, also where backslashes would mean something. */
export function literal(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`
  return text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted
}

/** Names of a list, quoted, with commas between. */
export function quoteAll(names: readonly string[]): string {
  return names.map(quote).join(', ')
}

/** The parts of `table`, `schema.table` or `"Schema"."a.b"`, at most two. Throws a RangeError for anything else. */
export function parseTableName(text: string): readonly string[] {
  const part = /^(?:"((?:[^"]|"")+)"|([^".\s][^".]*))(?:\.|$)/
  const parts: string[] = []
  let rest = text.trim()
  while (rest !== '') {
    const match = part.exec(rest)
    const ends = match?.[0].endsWith('.') ?? false
    if (!match || (ends && match[0].length === rest.length))
      throw new RangeError(`${JSON.stringify(text)} is no table name such as metrics or public.metrics`)
    parts.push(match[1]?.replaceAll('""', '"') ?? match[2]?.trim() ?? '')
    rest = rest.slice(match[0].length)
  }
  if (parts.length === 0 || parts.length > 2)
    throw new RangeError(`must be a table name such as metrics or public.metrics, got ${JSON.stringify(text)}`)
  return parts
}
