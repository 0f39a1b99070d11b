import type { ConnectorDefinition } from '@pulsar-io/sdk'
import type { Evidence } from './evidence.ts'
import { markdownTable } from './markdown-table.ts'

/** A connector as the page shows it. */
export interface ShownConnector {
  readonly name: string
  readonly definitions: readonly ConnectorDefinition[]
  readonly evidence: Evidence
}

const INTRODUCTION = `# Connectors

What each connector does, what it promises, and what the promise was tried on. The guarantees come from the manifests; the
rest from the \`evidence.json\` of each connector, which names a test for each fault, and from the figures in
[Performance](performance.md). This page is generated from these (\`pnpm run docs\`), and a test fails where one of them
names a test or a bench that is not there.

The ratio is the median of throughput through the connector to that of the plainest loop with the same driver and batch
size, measured in turn in the same run.
`

/** The page of all connectors. */
export function connectorsPage(connectors: readonly ShownConnector[], performance: string): string {
  const ratios = ratiosIn(performance)
  const rows = connectors.flatMap(({ name, definitions, evidence }) =>
    definitions.map(definition => {
      const found = evidence[definition.kind]
      return [
        `[${name}](../connectors/${name}/README.md)`,
        definition.kind,
        guarantees(definition, found?.condition),
        serversText(evidence),
        [...new Set(found?.faults.map(({ fault }) => fault))].join(', '),
        (found?.throughput && ratios.get(found.throughput.figure)) ?? 'not measured',
      ]
    }),
  )
  const header = ['connector', 'direction', 'guarantees', 'servers tried', 'faults survived', 'throughput ratio']
  return `${INTRODUCTION}\n${markdownTable(header, rows)}\n\n${GUARANTEES}\n## Where each fault is shown\n${connectors.map(proofs).join('')}`
}

const GUARANTEES = `\`EFFECTIVELY_ONCE\` rests on what is in brackets: an *idempotent* sink writes a replayed record to the same place, a
*transactional* one stores the positions with the records, and a *replayable* source numbers its records and can be asked
again. See [Delivery guarantees](guarantees.md); what a guarantee asks of a configuration is in the connector's README.
`

function guarantees({ delivery }: ConnectorDefinition, condition: string | undefined): string {
  switch (delivery) {
    case 'at-most-once':
      return 'ATMOST_ONCE'
    case 'at-least-once':
      return 'ATMOST_ONCE, ATLEAST_ONCE'
    default:
      return `ATMOST_ONCE, ATLEAST_ONCE, EFFECTIVELY_ONCE (${[delivery, condition].filter(Boolean).join(', ')})`
  }
}

function serversText({ servers }: Evidence): string {
  return servers === undefined ? 'none yet' : servers.join(', ') || 'needs none'
}

/** `0.97 (loop of _bulk)` by the figure's name, out of the tables that `pnpm bench` prints. */
function ratiosIn(markdown: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const line of markdown.split('\n')) {
    const [, name = '', , against = '', spread = ''] = line.split(/(?<!\\)\|/).map(cell => cell.trim())
    const [one, median = one] = spread.split('/').map(number => number.trim())
    if (median !== undefined && /^\d/.test(median)) found.set(name, `${median} (${against.split(':')[0]})`)
  }
  return found
}

function proofs({ name, definitions, evidence }: ShownConnector): string {
  return definitions
    .map(({ kind }) => {
      const rows = (evidence[kind]?.faults ?? []).map(({ fault, test, title }) => [
        fault,
        title,
        `[${test}](../${test})`,
      ])
      return rows.length === 0 ? '' : `\n### ${name} ${kind}\n\n${markdownTable(['fault', 'test', 'file'], rows)}\n`
    })
    .join('')
}
