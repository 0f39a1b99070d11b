import { AsyncLocalStorage, createHook } from 'node:async_hooks'

/** What keeps a process alive, in Node's words. */
const WATCHED: ReadonlySet<string> = new Set([
  'TCPWRAP',
  'TCPSERVERWRAP',
  'PIPEWRAP',
  'PIPESERVERWRAP',
  'UDPWRAP',
  'FSEVENTWRAP',
  'STATWATCHER',
  'PROCESSWRAP',
  'WORKER',
  'Timeout',
])

const harness = new AsyncLocalStorage<true>()

/** Runs what belongs to the harness: what it opens does not count as the connector's. */
export function asHarness<T>(action: () => T): T {
  return harness.run(true, action)
}

interface Open {
  readonly type: string
  readonly resource: { hasRef?(): boolean }
  readonly opened: string | undefined
}

/** Milliseconds of waiting that are the suite's own. */
export function pause(ms: number): Promise<void> {
  return asHarness(() => new Promise(resolve => setTimeout(resolve, ms)))
}

/** Watches what is opened from now on. Counts would not do: the test runner has timers that come and go. */
export class ResourceWatch {
  readonly #open = new Map<number, Open>()
  readonly #hook = createHook({
    init: (id, type, _trigger, resource) => {
      if (WATCHED.has(type) && !harness.getStore()) this.#open.set(id, { type, resource, opened: opener() })
    },
    destroy: id => void this.#open.delete(id),
  })

  constructor() {
    this.#hook.enable()
  }

  /** What is still open and keeps the process alive, and where it was opened. */
  left(): string[] {
    return [...this.#open.values()]
      .filter(({ resource }) => resource.hasRef?.() ?? true)
      .map(({ type, opened }) => `${type}${opened === undefined ? '' : ` ${opened}`}`)
  }

  stop(): void {
    this.#hook.disable()
  }
}

/** The first place outside Node and of this file. */
function opener(): string | undefined {
  const lines = new Error('opened').stack?.split('\n').slice(1) ?? []
  return lines.find(line => !line.includes('node:') && !line.includes('conformance/resources.'))?.trim()
}
