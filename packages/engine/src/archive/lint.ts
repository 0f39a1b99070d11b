import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ConnectorDefinition, ConnectorKind, JsonSchema, Manifest } from '@pulsar-io/sdk'
import { ArchiveError, systemCode } from './errors.ts'
import { loadConnector } from './load.ts'
import { type ArchiveOptions, inspectArchive, type ResolvedArchive, resolveArchive } from './resolve.ts'

/** What the README of a connector tells, in this order, each as a heading of the second level. */
export const README_HEADINGS: readonly string[] = [
  'What it does',
  'Quick start',
  'Options',
  'Delivery and ordering',
  'Errors',
  'Compatibility',
  'Development',
]

/** Bytes that a packed connector should stay below: what is larger has something in it that it does not need. */
const MAX_ARCHIVE_BYTES = 500_000

/** Something that an archive should not be published with. */
export interface LintFinding {
  /** Where: a file, or an option as `sink.tls.caFile`. */
  readonly where: string
  /** What is wrong and what to do about it. */
  readonly message: string
}

/**
 * Looks an archive over that the runtime would take: what its users will miss. Loads its code, to have it check its own
 * defaults.
 *
 * @throws ArchiveError when the archive is refused.
 */
export async function lintArchive(reference: string, options: ArchiveOptions = {}): Promise<readonly LintFinding[]> {
  const { size } = await inspectArchive(reference, options)
  const resolved = await resolveArchive(reference, options)
  const { manifest, directory } = resolved
  const definitions = await Promise.all(manifest.kinds.map(kind => loadConnector(resolved, kind)))
  return [
    ...(await lintPackage(resolved)),
    ...lintReadme(await textOf(join(directory, 'README.md'))),
    ...lintSize(size),
    ...definitions.flatMap(definition => lintDefinition(definition, manifest)),
  ]
}

/** The refusal of an archive with findings, all of them at once. */
export function lintError(archive: string, findings: readonly LintFinding[]): ArchiveError {
  const lines = findings.map(({ where, message }) => `\n${where}: ${message}`)
  const count = findings.length === 1 ? 'one thing is' : `${findings.length} things are`
  return new ArchiveError('PIO_ARCHIVE_LINT', archive, `it runs, but ${count} not as they should be${lines.join('')}`)
}

async function lintPackage({ directory, manifest }: ResolvedArchive): Promise<LintFinding[]> {
  const findings: LintFinding[] = []
  const add = (where: string, message: string) => findings.push({ where, message })
  const facts = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as { readonly license?: unknown }
  if (typeof facts.license !== 'string' || facts.license === '')
    add('package.json', 'license is missing; name it by its SPDX identifier, for example Apache-2.0')
  const paths = Object.keys(manifest.files)
  if (!paths.includes('LICENSE')) add('LICENSE', 'is missing; put the text of the licence there')
  if ((await bundlesOthers(directory)) && !paths.includes('THIRD-PARTY-LICENSES.txt'))
    add(
      'THIRD-PARTY-LICENSES.txt',
      'is missing, although packages of others are bundled; pnpm pack:connectors writes it',
    )
  if (manifest.description.trim() === '') add('package.json', 'description is missing; say in a sentence what it does')
  return findings
}

/** Whether the bill of materials names packages of others. */
async function bundlesOthers(directory: string): Promise<boolean> {
  const text = await textOf(join(directory, 'sbom.cdx.json'))
  if (text === undefined) return false
  const { components = [] } = JSON.parse(text) as { readonly components?: readonly { readonly name?: string }[] }
  return components.some(({ name }) => name?.startsWith('@pulsar-io/') === false)
}

function lintReadme(readme: string | undefined): LintFinding[] {
  const where = 'README.md'
  if (readme === undefined) return [{ where, message: `is missing; its headings are ${README_HEADINGS.join(', ')}` }]
  const headings = new Set(readme.match(/(?<=^## ).*$/gm)?.map(heading => heading.trim()))
  return README_HEADINGS.filter(heading => !headings.has(heading)).map(heading => ({
    where,
    message: `the heading "## ${heading}" is missing`,
  }))
}

function lintSize(size: number | undefined): LintFinding[] {
  if (size === undefined || size <= MAX_ARCHIVE_BYTES) return []
  const [is, bound] = [size, MAX_ARCHIVE_BYTES].map(bytes => `${Math.ceil(bytes / 1000)} KB`)
  return [
    { where: 'size', message: `the archive has ${is}, more than ${bound}; look for what it bundles and does not need` },
  ]
}

function lintDefinition(definition: ConnectorDefinition, manifest: Manifest): LintFinding[] {
  const { kind } = definition
  const findings: LintFinding[] = []
  const section = manifest[kind]
  if (!section) return findings
  if (!/\S\.$/.test(section.summary))
    findings.push({ where: kind, message: 'the summary has to be a sentence that ends with a full stop' })
  if (section.configSchema.additionalProperties !== false && Object.keys(optionsOf(section.configSchema)).length > 0)
    findings.push({
      where: kind,
      message: 'takes options that do not exist; use z.strictObject, so that a typo is told',
    })
  lintOptions(kind, section.configSchema, findings, kind)
  return [...findings, ...lintDefaults(definition, section.configSchema)]
}

function lintOptions(kind: ConnectorKind, schema: JsonSchema, findings: LintFinding[], path: string): void {
  for (const [name, option] of Object.entries(optionsOf(schema))) {
    const where = `${path}.${name}`
    if (typeof option.description !== 'string' || option.description.trim() === '')
      findings.push({ where, message: 'has no description; add .meta({ description })' })
    if (looksSecret(name) && mayBeText(option) && option.writeOnly !== true)
      findings.push({
        where,
        message: 'sounds like a secret but is not marked as one; use secret(), so that it is never shown',
      })
    lintOptions(kind, option, findings, where)
  }
}

/** Each default by itself, as if an operator had written it. */
function lintDefaults(definition: ConnectorDefinition, schema: JsonSchema): LintFinding[] {
  return Object.entries(optionsOf(schema)).flatMap(([name, option]) => {
    if (option.default === undefined) return []
    const result = definition.parse({ [name]: option.default })
    const wrong = result.ok ? [] : result.problems.filter(({ path }) => path === name || path.startsWith(`${name}.`))
    return wrong.map(({ path, message }) => ({
      where: `${definition.kind}.${path}`,
      message: `refuses its own default ${JSON.stringify(option.default)}: ${message}`,
    }))
  })
}

function optionsOf(schema: JsonSchema): { readonly [name: string]: JsonSchema } {
  return (schema.properties ?? {}) as { readonly [name: string]: JsonSchema }
}

const SECRET = /(pass(word|wd|phrase)|secret|token|(api|private|access|account)_?key|credentials)$/i

function looksSecret(name: string): boolean {
  return SECRET.test(name)
}

function mayBeText({ type }: JsonSchema): boolean {
  return type === 'string' || (Array.isArray(type) && type.includes('string') && !type.includes('boolean'))
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    return undefined
  }
}
