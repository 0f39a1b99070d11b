import type { Program } from '@pulsar-io/runtime'
import { markdownTable } from './markdown-table.ts'

type Command = Program['command']
type Option = Command['options'][number]

const INTRODUCTION = `# Command line

The command is installed as \`runtime\` and, the same, as \`pulsar-io\`. \`runtime --archive …\` takes the flags of
\`runtime sinks localrun\` or \`runtime sources localrun\`, by what the archive holds.

Durations are written as \`500ms\`, \`2s\`, \`5m\`; sizes as \`64KiB\`, \`5MiB\`. stdout carries results only; logs, the live
line and the summary go to stderr. Every run ends with one line:
\`N records in, N records out, N dead-lettered, N retried, S seconds\`.

| exit code | meaning |
| --- | --- |
| 0 | done, or stopped by a signal after settling what was in flight |
| 1 | the connector failed for good, or the worker refuses what was asked |
| 2 | the command line or the configuration is wrong; every problem is listed |
| 3 | the archive is refused |
| 4 | the messaging system or the external system could not be reached at the first open, or the worker not at all |
| 130, 143 | a second SIGINT or SIGTERM ended it at once |

This page is generated from the program (\`pnpm run docs\`).
`

/** The reference page of a command tree. */
export function cliReference(root: Command): string {
  return `${INTRODUCTION}${root.commands.filter(visible).map(section).join('')}`
}

function section(command: Command): string {
  const children = command.commands.filter(visible)
  if (children.length > 0) return children.map(section).join('')
  return `
## ${path(command)}

${command.description()}.

\`\`\`
${usage(command)}
\`\`\`
${flagGroups(command)}`
}

function flagGroups(command: Command): string {
  const groups = new Map<string, Option[]>()
  for (const option of command.options.filter(option => !option.hidden)) {
    const heading = (option.helpGroupHeading ?? 'Options:').replace(/:$/, '')
    groups.set(heading, [...(groups.get(heading) ?? []), option])
  }
  return [...groups]
    .map(([heading, options]) => `\n${heading}\n\n${markdownTable(['flag', 'meaning'], options.map(row))}\n`)
    .join('')
}

function row(option: Option): string[] {
  const choices = option.argChoices ? ` (${option.argChoices.join(', ')})` : ''
  // Outside of backticks, `<name>` would be taken for HTML.
  return [`\`${option.flags}\``, (option.description + choices).replaceAll('<', '&lt;')]
}

const visible = (command: Command) => (command as { readonly _hidden?: boolean })._hidden !== true

function path(command: Command): string {
  return command.parent ? `${path(command.parent)} ${command.name()}` : command.name()
}

function usage(command: Command): string {
  return `${path(command)} ${command.usage()}`
}
