import { parseTopicName } from '@pulsar-io/messaging'

const PLACE = '{topic}'

/** The name of the target for a record of an input topic: `{topic}` stands for the input's name without its namespace. */
export class TopicTemplate {
  readonly #template: string
  readonly #known = new Map<string, string>()

  constructor(template: string) {
    this.#template = template
  }

  /** The target where it is the same for all inputs. */
  get fixed(): string | undefined {
    return this.#template.includes(PLACE) ? undefined : this.#template
  }

  targetOf(input: string): string {
    let target = this.#known.get(input)
    if (target === undefined) {
      target = this.#template.replaceAll(PLACE, () => parseTopicName(input).local)
      this.#known.set(input, target)
    }
    return target
  }
}
