export type { ArchiveFile } from './contents.ts'
export { buildManifest, type ExportedDefinition, findDefinitions, type PackageFacts } from './definitions.ts'
export { ArchiveError, type ArchiveErrorCode, isArchiveError } from './errors.ts'
export { API_LEVELS } from './format.ts'
export { type ArchiveLimits, DEFAULT_LIMITS } from './limits.ts'
export { type LintFinding, lintArchive, lintError, README_HEADINGS } from './lint.ts'
export { type ConnectorListing, type ConnectorScan, listConnectors } from './list.ts'
export { loadConnector } from './load.ts'
export {
  type ArchiveInspection,
  type ArchiveOptions,
  type FetchedArchive,
  fetchArchive,
  inspectArchive,
  type ResolvedArchive,
  resolveArchive,
} from './resolve.ts'
