import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { buildProgram } from '@pulsar-io/runtime'
import type { ConnectorDefinition } from '@pulsar-io/sdk'
import { sinkClauses, sourceClauses } from '@pulsar-io/testkit/conformance'
import { cliReference } from './cli-reference.ts'
import { configSchemas } from './config-schemas.ts'
import { connectorsPage } from './connectors-page.ts'
import { evidenceOf } from './evidence.ts'
import { markdownTable } from './markdown-table.ts'
import { betweenMarkers } from './markers.ts'
import { optionTable } from './option-table.ts'

/** Every file with generated text, by path inside the repository, as it should be. Leaves out READMEs that are missing. Writes nothing. */
export async function generatedFiles(root: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>()
  files.set('docs/reference-cli.md', cliReference(buildProgram().command))
  for (const [name, schema] of configSchemas())
    files.set(`docs/schemas/${name}`, `${JSON.stringify(schema, null, 2)}\n`)
  for (const name of await connectorNames(root)) {
    const path = `connectors/${name}/README.md`
    const text = await readme(join(root, path))
    if (text !== undefined) files.set(path, await withOptionTables(join(root, 'connectors', name), path, text))
  }
  files.set('docs/connectors.md', await connectors(root))
  for (const kind of ['sink', 'source']) {
    const folder = `tooling/templates/${kind}`
    const path = `${folder}/README.md`
    files.set(path, await withOptionTables(join(root, folder), path, await readFile(join(root, path), 'utf8')))
  }
  const testkit = 'packages/testkit/README.md'
  files.set(testkit, withClauses(testkit, await readFile(join(root, testkit), 'utf8')))
  return files
}

/** The page about all connectors. */
async function connectors(root: string): Promise<string> {
  const names = await connectorNames(root)
  const shown = names.map(async name => ({
    name,
    definitions: await definitionsIn(join(root, 'connectors', name)),
    evidence: await evidenceOf(root, name),
  }))
  return connectorsPage(await Promise.all(shown), await readFile(join(root, 'docs', 'performance.md'), 'utf8'))
}

/** The promises of connectors, as their conformance suites know them. */
function withClauses(path: string, readme: string): string {
  const table = (clauses: readonly { readonly id: string; readonly title: string }[]) =>
    markdownTable(
      ['clause', 'the connector …'],
      clauses.map(({ id, title }) => [id, title]),
    )
  const withSinks = betweenMarkers(readme, 'clauses:sink', `\n${table(sinkClauses)}\n`, path)
  return betweenMarkers(withSinks, 'clauses:source', `\n${table(sourceClauses)}\n`, path)
}

/** The folders below `connectors`. */
export async function connectorNames(root: string): Promise<readonly string[]> {
  const entries = await readdir(join(root, 'connectors'), { withFileTypes: true })
  return entries
    .filter(entry => entry.isDirectory())
    .map(entry => entry.name)
    .sort()
}

async function readme(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return undefined
  }
}

async function withOptionTables(folder: string, path: string, readme: string): Promise<string> {
  return (await definitionsIn(folder)).reduce(
    (text, definition) =>
      betweenMarkers(text, `options:${definition.kind}`, optionTable(definition.jsonSchema()), path),
    readme,
  )
}

/** The sink and the source of a connector's folder. */
async function definitionsIn(folder: string): Promise<readonly ConnectorDefinition[]> {
  const module = (await import(pathToFileURL(join(folder, 'src', 'index.ts')).href)) as object
  return Object.values(module).filter(isDefinition)
}

function isDefinition(value: unknown): value is ConnectorDefinition {
  return typeof value === 'object' && value !== null && 'jsonSchema' in value && 'kind' in value
}
