/** Arguments that the root command answers itself. */
const ROOT = new Set(['-h', '--help', '-V', '--version'])

/**
 * Puts arguments into the form that the parser knows: `runtime --archive …` is the hidden command `localrun`, and `-st`,
 * which pulsar-admin has, is `--schema-type`.
 */
export function normalizeArguments(args: readonly string[]): string[] {
  const [first] = args
  const bare = first?.startsWith('-') && !ROOT.has(first)
  const schemaType = args.map(each => (each === '-st' ? '--schema-type' : each))
  return bare ? ['localrun', ...schemaType] : schemaType
}
