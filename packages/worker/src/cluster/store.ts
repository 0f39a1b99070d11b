import { setTimeout as sleep } from 'node:timers/promises'
import type { KeyValueStore, MessagingClient } from '@pulsar-io/messaging'
import { type ClusterState, decodeMember, decodeState, encode, type MemberRecord } from './records.ts'

/*
 * Keys. Entries come in the order of their keys, so `term` is read behind every state: whoever reads a state and then
 * its term as the highest knows that nobody had begun a later term when that state was read.
 */
const MEMBER = 'member/'
const STATE = 'state/'
const TERM = 'term'
const TERM_DIGITS = 12
/** Milliseconds between openings of a store that fails. */
const MIN_PAUSE_MS = 50
const MAX_PAUSE_MS = 1_000

/** What one read of the store tells. */
export interface View {
  /** The highest term that anybody has begun; 0 before the first. */
  readonly term: number
  /** What the leader of that term has decided; undefined before its first write. */
  readonly state: ClusterState | undefined
  /** What the leader of the latest earlier term had decided in the end. */
  readonly before: ClusterState | undefined
  /** By id. */
  readonly members: ReadonlyMap<string, MemberRecord>
}

/** The workers' common memory: a durable map that all of them read and write. */
export class ClusterStore {
  readonly #client: MessagingClient
  readonly #name: string
  #opening: Promise<KeyValueStore> | undefined
  /** Milliseconds before the next opening. */
  #pauseMs = 0
  readonly #closing = new Set<Promise<void>>()
  #lastState: { readonly bytes: Uint8Array; readonly state: ClusterState } | undefined

  constructor(client: MessagingClient, name: string) {
    this.#client = client
    this.#name = name
  }

  async read(): Promise<View> {
    const entries = await this.#use(store => store.entries())
    const members = new Map<string, MemberRecord>()
    let state: Uint8Array | undefined
    let before: Uint8Array | undefined
    let stateTerm = 0
    let term = 0
    for (const [key, value] of entries) {
      if (key.startsWith(MEMBER)) members.set(key.slice(MEMBER.length), decodeMember(value))
      else if (key.startsWith(STATE)) {
        before = state
        state = value
        stateTerm = Number(key.slice(STATE.length))
      } else if (key === TERM) term = Number(Buffer.from(value).toString())
    }
    return stateTerm === term
      ? { term, members, state: this.#decode(state), before: before && decodeState(before) }
      : { term, members, state: undefined, before: this.#decode(state) }
  }

  /** Begins a new term, which is nobody else's. Everything of earlier terms is void from now on. */
  beginTerm(): Promise<number> {
    return this.#use(async store => Number(await store.increment(TERM, 1n)))
  }

  /** Only the one who began the term writes its state, and one after another. */
  putState(state: ClusterState): Promise<void> {
    return this.#use(store => store.put(stateKey(state.term), encode(state)))
  }

  /** Takes away what leaders of earlier terms have written. */
  forgetBefore(term: number): Promise<void> {
    return this.#use(async store => {
      for (const [key] of await store.entries(STATE)) if (key < stateKey(term)) await store.delete(key)
    })
  }

  putMember(id: string, record: MemberRecord): Promise<void> {
    return this.#use(store => store.put(MEMBER + id, encode(record)))
  }

  deleteMember(id: string): Promise<void> {
    return this.#use(store => store.delete(MEMBER + id))
  }

  async close(): Promise<void> {
    this.#drop(this.#opening)
    await Promise.all(this.#closing)
  }

  /** The next use after a failure opens the store again: it may not recover by itself. */
  async #use<T>(work: (store: KeyValueStore) => Promise<T>): Promise<T> {
    this.#opening ??= this.#open()
    const opening = this.#opening
    try {
      const result = await work(await opening)
      this.#pauseMs = 0
      return result
    } catch (error) {
      this.#drop(opening)
      throw error
    }
  }

  async #open(): Promise<KeyValueStore> {
    const pauseMs = this.#pauseMs
    this.#pauseMs = Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, pauseMs * 2))
    // Short, since a lease runs meanwhile; but an outage must not become a storm of openings.
    if (pauseMs > 0) await sleep(pauseMs)
    return this.#client.openStore(this.#name)
  }

  #drop(opening: Promise<KeyValueStore> | undefined): void {
    if (opening === undefined || this.#opening !== opening) return
    this.#opening = undefined
    const closing = opening
      .then(store => store.close())
      // It failed before, which its user was told.
      .catch(() => undefined)
      .finally(() => this.#closing.delete(closing))
    this.#closing.add(closing)
  }

  /** Most reads find what the last one found. */
  #decode(bytes: Uint8Array | undefined): ClusterState | undefined {
    if (bytes === undefined) return undefined
    if (this.#lastState === undefined || Buffer.compare(this.#lastState.bytes, bytes) !== 0) {
      this.#lastState = { bytes: new Uint8Array(bytes), state: decodeState(bytes) }
    }
    return this.#lastState.state
  }
}

function stateKey(term: number): string {
  return STATE + String(term).padStart(TERM_DIGITS, '0')
}
