import { closest } from '@pulsar-io/sdk'
import type { Command, Option } from 'commander'
import { usageError } from '../config/config-problems.ts'
import { EXIT } from '../exit.ts'
import { outputTo } from '../output.ts'

const SHELLS = ['bash', 'zsh', 'fish']
/** The command is installed under both names. */
const NAMES = ['runtime', 'pulsar-io']

/** `completion`: prints a script that a shell sources. */
export async function completion(shell: string, root: Command): Promise<number> {
  const places = walk(root, [])
  const scripts: { readonly [shell: string]: (places: readonly Place[]) => string } = { bash, zsh, fish }
  const script = scripts[shell]
  if (script === undefined) {
    const guess = closest(shell, SHELLS)
    throw usageError(
      `completion is for ${SHELLS.join(', ')}, not for ${shell}${guess ? `; did you mean ${guess}?` : ''}`,
    )
  }
  await outputTo(process.stdout).write(script(places))
  return EXIT.ok
}

/** A command, by the words that lead to it. */
interface Place {
  readonly words: readonly string[]
  readonly children: readonly Command[]
  readonly options: readonly Option[]
  /** What its argument may be, where that is known. */
  readonly values: readonly string[]
}

function walk(command: Command, words: readonly string[]): readonly Place[] {
  const help = command.createHelp()
  const children = help.visibleCommands(command)
  const hidden = command.commands.find(each => each.name() === 'localrun')
  // At the root the flags are those of `runtime --archive …`.
  const own =
    words.length === 0 && hidden
      ? [...help.visibleOptions(command), ...help.visibleOptions(hidden)]
      : help.visibleOptions(command)
  const options = [...new Map(own.map(option => [option.long, option])).values()]
  const values = command.name() === 'completion' ? SHELLS : []
  const here = { words, children, options, values }
  const below = children.flatMap(child =>
    [child.name(), ...child.aliases()].flatMap(name => walk(child, [...words, name])),
  )
  return [here, ...below]
}

function wordsOf({ children, options, values }: Place): readonly string[] {
  const commands = children.flatMap(child => [child.name(), ...child.aliases()])
  return [...commands, ...values, ...options.flatMap(option => option.long ?? [])]
}

function choicesOf(option: Option): readonly string[] {
  return option.argChoices ?? []
}

/** What may follow a flag that takes a value, by command and flag. No words leave the shell to offer files. */
function valueCases(places: readonly Place[]): string {
  return places
    .flatMap(({ words, options }) =>
      options
        .filter(option => option.required)
        .map(option => {
          const flags = [option.long, option.short].filter(flag => flag !== undefined)
          const patterns = flags.map(flag => `"${[...words, flag].join(' ')}"`).join('|')
          return `    ${patterns}) words="${choicesOf(option).join(' ')}" ;;\n`
        }),
    )
    .join('')
}

function wordCases(places: readonly Place[]): string {
  return places.map(place => `      "${place.words.join(' ')}") words="${wordsOf(place).join(' ')}" ;;\n`).join('')
}

function pathPattern(places: readonly Place[]): string {
  return places
    .filter(place => place.words.length > 0)
    .map(place => `"${place.words.join(' ')}"`)
    .join('|')
}

function bash(places: readonly Place[]): string {
  return `# bash completion; load it with: source <(runtime completion bash)
_pulsar_io_runtime() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" path="" next word words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    next="\${path:+$path }$word"
    case "$next" in ${pathPattern(places)}) path="$next" ;; esac
  done
  case "\${path:+$path }$prev" in
${valueCases(places)}    *)
      case "$path" in
${wordCases(places)}      esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _pulsar_io_runtime ${NAMES.join(' ')}
`
}

function zsh(places: readonly Place[]): string {
  return `#compdef ${NAMES.join(' ')}
# zsh completion; put it into a folder of $fpath as _runtime
_pulsar_io_runtime() {
  local cur_path="" next word words_here="" prev="\${words[CURRENT-1]}" i
  for ((i = 2; i < CURRENT; i++)); do
    next="\${cur_path:+$cur_path }\${words[i]}"
    case "$next" in ${pathPattern(places)}) cur_path="$next" ;; esac
  done
  case "\${cur_path:+$cur_path }$prev" in
${valueCases(places).replaceAll('words=', 'words_here=')}    *)
      case "$cur_path" in
${wordCases(places).replaceAll('words=', 'words_here=')}      esac ;;
  esac
  compadd -- \${=words_here}
  _files
}
compdef _pulsar_io_runtime ${NAMES.join(' ')}
`
}

function fish(places: readonly Place[]): string {
  const lines = NAMES.flatMap(name =>
    places.flatMap(place => {
      const seen = place.words.map(word => `__fish_seen_subcommand_from ${word}`)
      const deeper = place.children.flatMap(child => [child.name(), ...child.aliases()])
      const unseen = deeper.length > 0 ? [`not __fish_seen_subcommand_from ${deeper.join(' ')}`] : []
      const condition = [...seen, ...unseen].join('; and ') || 'true'
      const commands = place.children.map(
        child => `complete -c ${name} -n ${quote(condition)} -f -a ${child.name()} -d ${quote(child.description())}`,
      )
      const flags = place.options.map(option => {
        const choices = choicesOf(option)
        const values = choices.length > 0 ? ` -x -a ${quote(choices.join(' '))}` : option.required ? ' -r' : ''
        return `complete -c ${name} -n ${quote(condition)} -l ${option.long?.slice(2)}${values} -d ${quote(option.description)}`
      })
      const values = place.values.map(value => `complete -c ${name} -n ${quote(condition)} -f -a ${value}`)
      return [...commands, ...values, ...flags]
    }),
  )
  return `# fish completion; save it as ~/.config/fish/completions/runtime.fish\n${lines.join('\n')}\n`
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
