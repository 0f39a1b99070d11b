import { Connection } from './connection.ts'
import type { Config } from './options.ts'

/** What the server hands out. */
export interface Entry {
  readonly id: string
  readonly key: string | null
  readonly value: unknown
}

/** What the source needs of the system, and no more: its tests can stand in for it. */
export interface Client {
  /** Waits for entries, at most `count`. They come again to the next connection unless they are acknowledged. */
  take(count: number): Promise<readonly Entry[]>
  acknowledge(id: string): void
  close(): Promise<void>
}

/** Connects. Throws a ConnectionError, an AuthError or a ConfigError. */
export async function openClient(config: Config, signal: AbortSignal): Promise<Client> {
  const connection = await Connection.open(config, signal)
  return {
    take: async count => {
      // The server answers when there is something: there is no bound to that.
      const { entries = [] } = await connection.ask<Taken>({ take: count }, signal, 0)
      return entries
    },
    acknowledge: id => connection.tell({ acknowledge: id }),
    close: () => connection.close(),
  }
}

interface Taken {
  readonly error?: string
  readonly entries?: readonly Entry[]
}
