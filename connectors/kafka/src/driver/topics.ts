import type { Client, TopicInfo } from './client.ts'

/** Codes that say no more than that a topic was made just now, or that its leader changes. */
const PASSING = ['LEADER_NOT_AVAILABLE', 'UNKNOWN_TOPIC_OR_PARTITION', 'NOT_LEADER_OR_FOLLOWER']

/** Topics as they were when last asked for, each for a while. */
export class Topics {
  readonly #client: Client
  readonly #maxAgeMs: number
  readonly #create: boolean
  readonly #known = new Map<string, { readonly info: TopicInfo; readonly at: number }>()

  constructor(client: Client, maxAgeMs: number, create: boolean) {
    this.#client = client
    this.#maxAgeMs = maxAgeMs
    this.#create = create
  }

  /** What is known already, and fresh enough. */
  known(name: string): TopicInfo | undefined {
    const found = this.#known.get(name)
    return found && performance.now() - found.at < this.#maxAgeMs ? found.info : undefined
  }

  /**
   * What is known of topics, asked for where it has to be. One that is not there is missing in the answer, one that
   * cannot be told of has its code in `errors`. A topic that is just being made is waited for, `tries` times.
   */
  async find(
    names: readonly string[],
    tries = 8,
  ): Promise<{ readonly topics: ReadonlyMap<string, TopicInfo>; readonly errors: ReadonlyMap<string, string> }> {
    const topics = new Map<string, TopicInfo>()
    const errors = new Map<string, string>()
    let missing: string[] = []
    for (const name of names) {
      const info = this.known(name)
      if (info) topics.set(name, info)
      else missing.push(name)
    }
    for (let left = tries; missing.length > 0 && left > 0; left--) {
      const answer = await this.#client.refresh(missing, this.#create)
      const at = performance.now()
      const waiting: string[] = []
      for (const name of missing) {
        const info = answer.topics.get(name)
        const code = answer.errors.get(name)
        errors.delete(name)
        if (info && info.leaders.length > 0) {
          this.#known.set(name, { info, at })
          topics.set(name, info)
        } else {
          if (code !== undefined) errors.set(name, code)
          // Nobody makes it, so there is nothing to wait for.
          if (this.#create || code === 'LEADER_NOT_AVAILABLE')
            if (code === undefined || PASSING.includes(code)) waiting.push(name)
        }
      }
      missing = waiting
      if (missing.length > 0) await new Promise(done => setTimeout(done, 100))
    }
    return { topics, errors }
  }

  /** Asks again the next time. */
  forget(names: Iterable<string>): void {
    for (const name of names) this.#known.delete(name)
  }
}
