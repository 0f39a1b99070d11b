import { createRequire as __cr } from 'node:module'; const require = __cr(import.meta.url);
import{outputTo}from"./chunk-27466FBC.js";import{usageError}from"./chunk-SRFLEYPR.js";import{EXIT}from"./chunk-Y3WKDFUT.js";import{closest}from"./chunk-EF43EO2B.js";import"./chunk-NAS5QO37.js";var SHELLS=["bash","zsh","fish"],NAMES=["runtime","pulsar-io"];async function completion(shell,root){let places=walk(root,[]),script={bash,zsh,fish}[shell];if(script===void 0){let guess=closest(shell,SHELLS);throw usageError(`completion is for ${SHELLS.join(", ")}, not for ${shell}${guess?`; did you mean ${guess}?`:""}`)}return await outputTo(process.stdout).write(script(places)),EXIT.ok}function walk(command,words){let help=command.createHelp(),children=help.visibleCommands(command),hidden=command.commands.find(each=>each.name()==="localrun"),own=words.length===0&&hidden?[...help.visibleOptions(command),...help.visibleOptions(hidden)]:help.visibleOptions(command),options=[...new Map(own.map(option=>[option.long,option])).values()],here={words,children,options},below=children.flatMap(child=>[child.name(),...child.aliases()].flatMap(name=>walk(child,[...words,name])));return[here,...below]}function wordsOf({children,options}){return[...children.flatMap(child=>[child.name(),...child.aliases()]),...options.flatMap(option=>option.long??[])]}function choicesOf(option){return option.argChoices??[]}function choiceCases(places){let byFlag=new Map;for(let option of places.flatMap(place=>place.options)){let choices=choicesOf(option);choices.length>0&&option.long&&byFlag.set(option.long,choices)}return[...byFlag].map(([flag,choices])=>`    ${flag}) words="${choices.join(" ")}" ;;
`).join("")}function wordCases(places){return places.map(place=>`      "${place.words.join(" ")}") words="${wordsOf(place).join(" ")}" ;;
`).join("")}function pathPattern(places){return places.filter(place=>place.words.length>0).map(place=>`"${place.words.join(" ")}"`).join("|")}function bash(places){return`# bash completion; load it with: source <(runtime completion bash)
_pulsar_io_runtime() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" path="" next word words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    next="\${path:+$path }$word"
    case "$next" in ${pathPattern(places)}) path="$next" ;; esac
  done
  case "$prev" in
${choiceCases(places)}    *)
      case "$path" in
${wordCases(places)}      esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _pulsar_io_runtime ${NAMES.join(" ")}
`}function zsh(places){return`#compdef ${NAMES.join(" ")}
# zsh completion; put it into a folder of $fpath as _runtime
_pulsar_io_runtime() {
  local cur_path="" next word words_here="" prev="\${words[CURRENT-1]}" i
  for ((i = 2; i < CURRENT; i++)); do
    next="\${cur_path:+$cur_path }\${words[i]}"
    case "$next" in ${pathPattern(places)}) cur_path="$next" ;; esac
  done
  case "$prev" in
${choiceCases(places).replaceAll("words=","words_here=")}    *)
      case "$cur_path" in
${wordCases(places).replaceAll("words=","words_here=")}      esac ;;
  esac
  compadd -- \${=words_here}
  _files
}
compdef _pulsar_io_runtime ${NAMES.join(" ")}
`}function fish(places){return`# fish completion; save it as ~/.config/fish/completions/runtime.fish
${NAMES.flatMap(name=>places.flatMap(place=>{let seen=place.words.map(word=>`__fish_seen_subcommand_from ${word}`),deeper=place.children.flatMap(child=>[child.name(),...child.aliases()]),unseen=deeper.length>0?[`not __fish_seen_subcommand_from ${deeper.join(" ")}`]:[],condition=[...seen,...unseen].join("; and ")||"true",commands=place.children.map(child=>`complete -c ${name} -n ${quote(condition)} -f -a ${child.name()} -d ${quote(child.description())}`),flags=place.options.map(option=>{let choices=choicesOf(option),values=choices.length>0?` -x -a ${quote(choices.join(" "))}`:option.required?" -r":"";return`complete -c ${name} -n ${quote(condition)} -l ${option.long?.slice(2)}${values} -d ${quote(option.description)}`});return[...commands,...flags]})).join(`
`)}
`}function quote(text){return`'${text.replaceAll("\\","\\\\").replaceAll("'","\\'")}'`}export{completion};
