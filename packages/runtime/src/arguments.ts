/** Arguments that the root command answers itself. */
const ROOT = new Set(['-h', '--help', '-V', '--version'])

/**
 * Puts arguments into the form that the parser knows: `runtime --archive …` is the hidden command `localrun`, and `-st`,
 * which pulsar-admin has, is `--schema-type`. `help topics` asks for the help of `topics`.
 */
export function normalizeArguments(args: readonly string[]): string[] {
  const [first, ...rest] = args
  if (first === 'help') return [...rest, '--help']
  const bare = first?.startsWith('-') && !ROOT.has(first)
  const schemaType = args.map(each => (each === '-st' ? '--schema-type' : each))
  return bare ? ['localrun', ...schemaType] : schemaType
}
