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

/** Answers that need no connector to run. */
const ONLY_LOOKS = new Set(['-h', '--help', '--validate-only', '--dry-run'])

/** Whether the command will, as far as its words tell, start an instance in a thread. */
export function runsConnectors(words: readonly string[]): boolean {
  const [first, second] = words
  const runs = first === 'localrun' || first === 'run' || second === 'localrun'
  return runs && !words.some(word => ONLY_LOOKS.has(word) || word.startsWith('--isolation'))
}
