import { Connection } from './connection.ts'
import type { Config } from './options.ts'

/** What the server keeps of a record. */
export interface Entry {
  /** The server keeps one entry of an id: a record that comes again is the same entry. */
  readonly id: string
  readonly key: string | null
  readonly value: unknown
}

/** What the sink needs of the system, and no more: its tests can stand in for it. */
export interface Client {
  /** Adds entries. Resolves, once they are durable, with why the server refuses some, by their index. */
  append(entries: readonly Entry[], signal: AbortSignal): Promise<ReadonlyMap<number, string>>
  close(): Promise<void>
}

/** Connects. Throws a ConnectionError, an AuthError or a ConfigError. */
export async function openClient(config: Config, signal: AbortSignal): Promise<Client> {
  const connection = await Connection.open(config, signal)
  return {
    append: async (entries, stop) => {
      const { refused = [] } = await connection.ask<Appended>({ append: entries }, stop)
      return new Map(refused.map(({ at, reason }) => [at, reason]))
    },
    close: () => connection.close(),
  }
}

interface Appended {
  readonly error?: string
  readonly refused?: readonly { readonly at: number; readonly reason: string }[]
}
