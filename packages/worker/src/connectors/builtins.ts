import { type ConnectorListing, listConnectors } from '@pulsar-io/engine'
import type { ConnectorKind } from '@pulsar-io/sdk'

/** The archives of the connectors folder. */
export class Builtins {
  readonly directory: string
  readonly #warn: (message: string, fields: { readonly [name: string]: unknown }) => void
  #found: readonly ConnectorListing[] = []

  constructor(directory: string, warn: (message: string, fields: { readonly [name: string]: unknown }) => void) {
    this.directory = directory
    this.#warn = warn
  }

  /** Looks into the folder. What is no connector is left out, and said. */
  async reload(): Promise<void> {
    const { found, skipped } = await listConnectors(this.directory)
    for (const { file, reason } of skipped) this.#warn('not a connector', { file, reason })
    this.#found = found
  }

  /** By name; of one kind, or all. */
  list(kind?: ConnectorKind): readonly ConnectorListing[] {
    return kind === undefined ? this.#found : this.#found.filter(({ kinds }) => kinds.includes(kind))
  }

  get(name: string, kind: ConnectorKind): ConnectorListing | undefined {
    return this.list(kind).find(connector => connector.name === name)
  }
}
