import { type Manifest, manifestSchema } from '@pulsar-io/sdk'
import { ArchiveError } from './errors.ts'
import { API_LEVELS, MANIFEST_FILE } from './format.ts'

/**
 * Checks the text of a manifest: the API level first, because another level may have another shape, then every field.
 *
 * @throws ArchiveError `PIO_ARCHIVE_API_LEVEL` or `PIO_ARCHIVE_MANIFEST`, the latter with every problem by its path.
 */
export function parseManifest(archive: string, text: string): Manifest {
  const raw = parseJson(archive, MANIFEST_FILE, text)
  checkApiLevel(archive, raw)
  const result = manifestSchema.safeParse(raw)
  if (!result.success) {
    throw malformed(
      archive,
      result.error.issues.map(issue => `${issue.path.join('.') || '(root)'}: ${issue.message}`),
    )
  }
  const problems = manifestProblems(result.data)
  if (problems.length > 0) throw malformed(archive, problems)
  return result.data
}

/** Parses a JSON file of an archive, or refuses the archive. */
export function parseJson(archive: string, file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ArchiveError('PIO_ARCHIVE_MANIFEST', archive, `${file} is not JSON. Pack it again`, { cause: error })
  }
}

/** The refusal of an archive that has no manifest. */
export function missingManifest(archive: string): ArchiveError {
  return new ArchiveError(
    'PIO_ARCHIVE_MANIFEST',
    archive,
    `it has no package/${MANIFEST_FILE}, so it is not a connector. Connectors are packed by pnpm pack:connectors`,
  )
}

function malformed(archive: string, problems: readonly string[]): ArchiveError {
  return new ArchiveError(
    'PIO_ARCHIVE_MANIFEST',
    archive,
    `${MANIFEST_FILE} is malformed. Pack it again with pnpm pack:connectors\n${problems.map(problem => `  ${problem}`).join('\n')}`,
  )
}

function checkApiLevel(archive: string, raw: unknown): void {
  const { apiLevel, name, version } = (typeof raw === 'object' && raw !== null ? raw : {}) as { [key: string]: unknown }
  if (typeof apiLevel !== 'number' || !Number.isInteger(apiLevel) || apiLevel < 1) return
  if (apiLevel >= API_LEVELS.min && apiLevel <= API_LEVELS.max) return
  const offered =
    API_LEVELS.min === API_LEVELS.max ? `level ${API_LEVELS.max}` : `levels ${API_LEVELS.min} to ${API_LEVELS.max}`
  const fix =
    apiLevel > API_LEVELS.max
      ? `Install a newer @pulsar-io/runtime, or a ${name} release built for ${offered}`
      : `Install a newer ${name} release, built for ${offered}`
  throw new ArchiveError(
    'PIO_ARCHIVE_API_LEVEL',
    archive,
    `${name}@${version} needs connector API level ${apiLevel}; this runtime offers ${offered}. ${fix}`,
  )
}

/** What the schema cannot say. */
function manifestProblems(manifest: Manifest): string[] {
  const problems: string[] = []
  for (const kind of ['sink', 'source'] as const) {
    const listed = manifest.kinds.includes(kind)
    if (listed && manifest[kind] === undefined) problems.push(`${kind}: required, because kinds has "${kind}"`)
    if (!listed && manifest[kind] !== undefined) problems.push(`kinds: "${kind}" is missing, but there is a ${kind}`)
  }
  if (new Set(manifest.kinds).size !== manifest.kinds.length) problems.push('kinds: has a kind twice')
  if (!Object.hasOwn(manifest.files, manifest.entry)) {
    problems.push(`entry: ${JSON.stringify(manifest.entry)} is not one of files`)
  }
  if (!Object.hasOwn(manifest.files, 'package.json')) problems.push('files: package.json is not one of them')
  for (const path of Object.keys(manifest.files)) {
    const parts = path.split('/')
    // In an archive no entry could match it; an installed package is read by these paths.
    if (/[\\:]/.test(path) || parts.some(part => part === '' || part === '.' || part === '..')) {
      problems.push(`files: ${JSON.stringify(path)} is not a path inside the package`)
    }
  }
  return problems
}

/**
 * Checks that the package's own manifest says the same.
 *
 * @throws ArchiveError `PIO_ARCHIVE_MANIFEST`.
 */
export function checkPackageJson(archive: string, manifest: Manifest, text: string): void {
  const raw = parseJson(archive, 'package.json', text) as {
    version?: unknown
    type?: unknown
    pulsarIo?: { apiLevel?: unknown }
  } | null
  const problems: string[] = []
  const same = (path: string, found: unknown, wanted: unknown) => {
    if (found === wanted) return
    problems.push(`package.json ${path}: is ${JSON.stringify(found)}, but has to be ${JSON.stringify(wanted)}`)
  }
  same('version', raw?.version, manifest.version)
  same('type', raw?.type, 'module')
  same('pulsarIo.apiLevel', raw?.pulsarIo?.apiLevel, manifest.apiLevel)
  if (problems.length > 0) throw malformed(archive, problems)
}
