import type { TcpProxy } from './tcp-proxy.ts'

/** What a test may do to the connection of a connector with its system. */
export interface Faults {
  /** The system goes away: open connections are cut, new ones are refused. */
  interrupt(): void | Promise<void>
  /** Everything is as it was before: ends each of the faults. */
  restore(): void | Promise<void>
  /** Cuts the connection once the connector sent (sink) or got (source) so many more bytes. */
  cutNext?(afterBytes: number): void | Promise<void>
  /** From now on the system takes everything in and answers nothing. */
  stall?(): void | Promise<void>
}

/**
 * What a connector's tests can do to its connection: nothing, take the system away and bring it back
 * ({@link Faults.interrupt}), or everything that can go wrong on a network.
 */
export type FaultLevel = 'none' | 'outage' | 'network'

/** The faults of a proxy between a sink and its system. */
export function sinkFaults(proxy: TcpProxy): Required<Faults> {
  return { ...faults(proxy), cutNext: bytes => proxy.cutOnce(bytes, 'up') }
}

/** As {@link sinkFaults}, but what comes from the system is cut. */
export function sourceFaults(proxy: TcpProxy): Required<Faults> {
  return { ...faults(proxy), cutNext: bytes => proxy.cutOnce(bytes, 'down') }
}

function faults(proxy: TcpProxy): Omit<Required<Faults>, 'cutNext'> {
  return {
    interrupt: () => proxy.interrupt(),
    restore: () => proxy.restore(),
    stall: () => {
      proxy.silent = true
    },
  }
}
