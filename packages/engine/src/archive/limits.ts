/** What an archive may cost before it is refused. */
export interface ArchiveLimits {
  /** Bytes of the archive file itself. */
  readonly archiveBytes: number
  /** Bytes after decompression, tar headers included. */
  readonly unpackedBytes: number
  /** Entries, folders included. */
  readonly entries: number
  /** Unpacked bytes per compressed byte, looked at from 10 MiB of unpacked bytes on. */
  readonly ratio: number
  /** Bytes of `pulsar-io.json`. */
  readonly manifestBytes: number
}

const MIB = 1024 * 1024

/** The limits when nothing else is said. JavaScript packs at about 1:4; a hundredfold is no program. */
export const DEFAULT_LIMITS: ArchiveLimits = {
  archiveBytes: 64 * MIB,
  unpackedBytes: 200 * MIB,
  entries: 2_000,
  ratio: 100,
  manifestBytes: 4 * MIB,
}

/** The defaults with some of them replaced. */
export function limitsFrom(limits: Partial<ArchiveLimits> | undefined): ArchiveLimits {
  return { ...DEFAULT_LIMITS, ...limits }
}

/** Bytes as an operator writes them. */
export function formatBytes(bytes: number): string {
  if (bytes >= MIB && bytes % MIB === 0) return `${bytes / MIB} MiB`
  if (bytes >= MIB) return `${(bytes / MIB).toFixed(1)} MiB`
  return bytes >= 1024 ? `${(bytes / 1024).toFixed(1)} KiB` : `${bytes} bytes`
}
