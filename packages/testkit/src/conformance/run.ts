import { inspect } from 'node:util'
import { isConnectorError, type RetryMeaning } from '@pulsar-io/sdk'
import { expect } from 'vitest'
import type { ContextLog } from '../context.ts'
import type { Faults } from '../faults/faults.ts'
import { type ConfigChange, type Configurable, type Mistake, parsed, type RawConfig, secretsIn } from './config.ts'

import { asHarness, pause, ResourceWatch } from './resources.ts'

/** Milliseconds that a clause waits for what has to happen, unless told otherwise. */
export const PATIENCE_MS = 15_000

/** What a test of a clause has of its own in the external system. */
export interface Place {
  readonly config: RawConfig
  readonly faults?: Faults | undefined
  /** Removes it; called once the connector is closed. */
  close?(): void | Promise<void>
}

/** The part of a test that sinks and sources share. */
export abstract class Run<P extends Place> {
  readonly place: P
  readonly patienceMs: number
  protected readonly definition: Configurable
  readonly #secrets: Set<string>
  readonly #contexts: ContextLog[] = []
  readonly #errors: unknown[] = []
  readonly #closers: (() => Promise<void>)[] = []

  constructor(
    place: P,
    definition: Configurable,
    options: { readonly secrets?: readonly string[]; readonly patienceMs?: number },
  ) {
    this.place = place
    this.definition = definition
    this.patienceMs = options.patienceMs ?? PATIENCE_MS
    this.#secrets = new Set([...(options.secrets ?? []), ...secretsIn(definition.jsonSchema(), place.config)])
  }

  /** The faults of the place; a clause that uses them is skipped where there are none. */
  get faults(): Required<Faults> {
    const { faults } = this.place
    if (!faults) throw new Error('capabilities.faults is claimed, but the place has no faults')
    return {
      interrupt: () => asHarness(() => faults.interrupt()),
      restore: () => asHarness(() => faults.restore()),
      cutNext: bytes => asHarness(() => faults.cutNext?.(bytes)),
      stall: () => asHarness(() => faults.stall?.()),
    }
  }

  /** The checked configuration, changed where a clause asks for it. Its secrets must not be shown from here on. */
  config(change: ConfigChange | boolean | undefined = undefined): unknown {
    const raw = typeof change === 'function' ? change(this.place.config) : this.place.config
    for (const secret of secretsIn(this.definition.jsonSchema(), raw)) this.#secrets.add(secret)
    return parsed(this.definition, raw)
  }

  /** Remembers a secret that must not be shown. */
  hide(secret: string): void {
    this.#secrets.add(secret)
  }

  /** What the connector logs in a context, and how it is closed when the test ends. */
  protected keep(context: ContextLog, close: () => Promise<void>): void {
    this.#contexts.push(context)
    this.#closers.push(close)
  }

  /** What `promise` rejects with; fails the test when it does not. */
  async failure(promise: Promise<unknown>, what: string): Promise<Error> {
    const outcome = await this.within(
      promise.then(
        () => undefined,
        (error: unknown) => ({ error }),
      ),
      what,
    )
    if (outcome === undefined) throw new Error(`${what}: expected an error, but it went through`)
    this.#errors.push(outcome.error)
    if (!(outcome.error instanceof Error))
      throw new Error(`${what}: threw ${inspect(outcome.error)}, which is no Error`)
    return outcome.error
  }

  /** Keeps an error in mind that came as an outcome. */
  note<E>(error: E): E {
    this.#errors.push(error)
    return error
  }

  /** The result of `promise`, or an error that names `what` when it does not come within patience. */
  async within<T>(promise: Promise<T>, what: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      const late = () => reject(new Error(`${what} did not end within ${this.patienceMs} ms`))
      timer = asHarness(() => setTimeout(late, this.patienceMs))
    })
    try {
      return await Promise.race([promise, late])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Asks over and over until the answer passes, or patience ends; returns the last answer. */
  async until<T>(ask: () => T | Promise<T>, passes: (answer: T) => boolean): Promise<T> {
    const until = performance.now() + this.patienceMs
    for (;;) {
      const answer = await ask()
      if (passes(answer) || performance.now() > until) return answer
      await pause(20)
    }
  }

  /** Repeats what fails because the other side is still coming back; its last error when patience ends. */
  async insist<T>(attempt: () => Promise<T>): Promise<T> {
    const until = performance.now() + this.patienceMs
    for (;;) {
      try {
        return await attempt()
      } catch (error) {
        this.note(error)
        if (
          !(isConnectorError(error) && (error.retry === 'reconnect' || error.retry === 'retry')) ||
          performance.now() > until
        )
          throw error
        await pause(50)
      }
    }
  }

  /** Expects that `action` leaves no socket, server, timer, watcher, process or thread behind. */
  async leavesNothing(action: () => Promise<unknown>): Promise<void> {
    const watch = new ResourceWatch()
    try {
      await action()
      const left = await this.until(
        () => watch.left(),
        found => found.length === 0,
      )
      expect(left, 'left open').toEqual([])
    } finally {
      watch.stop()
    }
  }

  /** Ends everything, and looks for secrets in all that was said. */
  async end(): Promise<void> {
    await this.place.faults?.restore()
    for (const close of this.#closers.reverse()) await this.within(close(), 'close at the end of the test')
    await this.place.close?.()
    const said = [
      ...this.#contexts.flatMap(({ logger, connections, fatals }) => [...logger.entries, ...connections, ...fatals]),
      ...this.#errors,
    ].map(thing => inspect(thing, { depth: 10, maxStringLength: null, breakLength: Number.POSITIVE_INFINITY }))
    for (const secret of this.#secrets)
      for (const text of said) {
        if (!text.includes(secret)) continue
        throw new Error(`shows a secret: ${text.replaceAll(secret, '***')}`)
      }
  }
}

/** An error of the SDK with one of these meanings. */
export function expectMeaning(error: unknown, ...meanings: readonly RetryMeaning[]): void {
  if (!isConnectorError(error)) throw new Error(`not an error of the SDK: ${inspect(error)}`, { cause: error })
  expect(meanings, `retry meaning of ${error.name}: ${error.message}`).toContain(error.retry)
  expect(error.code).toMatch(/^PIO_[A-Z0-9_]+$/)
}

/** The mistake that a clause is about; the clause is skipped where there is none. */
export function mistakeOf(mistake: Mistake | undefined): Mistake {
  if (!mistake) throw new Error('the clause needs a mistake that the harness does not give')
  return mistake
}
