import type { Admin, ConnectorId, LogLine } from '@pulsar-io/admin'
import type { ConnectorKind, Problem } from '@pulsar-io/sdk'
import { connection } from '../../admin-connection.ts'
import { ConfigProblems } from '../../config/config-problems.ts'
import { flagValue } from '../../config/flag-fields.ts'
import { EXIT } from '../../exit.ts'
import { logFlags } from '../../flags/admin.ts'
import type { FlagValues } from '../../flags/flag.ts'
import { reader } from '../../flags/reader.ts'
import { createLogging, type LogFormat, type Logging } from '../../logging.ts'
import { calling, ours, pause } from './calling.ts'
import { print } from './output.ts'
import { instanceOf, shownName, targetOf } from './target.ts'

/** Lines of each instance that are shown first. */
const TAIL = 200
/** Lines that are asked for at once: all that a worker keeps. */
const ALL = 1000
/** Milliseconds between looks of `--follow`. */
const INTERVAL_MS = 1000

/** `logs`: what the instances of a connector have said lately; `--follow` goes on with what they say next. */
export async function logs(kind: ConnectorKind, values: FlagValues, argument?: string): Promise<number> {
  const problems: Problem[] = []
  const connect = await connection(values, problems)
  const name = targetOf(values, argument, problems)
  const instance = instanceOf(values, problems)
  const tail = reader(values, problems).whole('--tail', 1, ALL) ?? TAIL
  const flag = logFlags.flatMap(group => group.flags).find(each => each.flags.startsWith('--log-format'))
  const format = flag && values.logFormat !== undefined ? flagValue(flag, values.logFormat, problems) : undefined
  if (problems.length > 0) throw new ConfigProblems(problems)
  const lines: string[] = []
  const { stdout, env } = process
  const logging = createLogging({
    stream: { write: text => lines.push(text), isTTY: stdout.isTTY },
    format: format as LogFormat | undefined,
    color: stdout.isTTY && !env.NO_COLOR,
  })
  const code = await calling(connect, async (admin, signal) => {
    const followed = new Followed(admin, kind, name, logging)
    for (let limit = tail; !signal.aborted; limit = ALL) {
      await followed.look(instance === undefined ? undefined : [instance], limit)
      await print(lines.splice(0).join(''))
      if (values.follow !== true) break
      await pause(INTERVAL_MS, signal)
    }
    return EXIT.ok
  })
  // Ctrl-C is how one stops following.
  return values.follow === true && (code === EXIT.interrupted || code === EXIT.terminated) ? EXIT.ok : code
}

/** The instances of a connector, and how far each one's log has been shown. */
class Followed {
  readonly #admin: Admin
  readonly #kind: ConnectorKind
  readonly #name: ConnectorId
  readonly #logging: Logging
  readonly #shown = new Map<number, number>()

  constructor(admin: Admin, kind: ConnectorKind, name: ConnectorId, logging: Logging) {
    this.#admin = admin
    this.#kind = kind
    this.#name = name
    this.#logging = logging
  }

  /** Shows the lines since the last look, of all instances in the order of time. */
  async look(wanted: readonly number[] | undefined, limit: number): Promise<void> {
    const instances = wanted ?? (await this.#instances())
    const found = await Promise.all(
      instances.map(async id => (await this.#since(id, limit)).map(line => ({ id, line }))),
    )
    for (const { id, line } of found.flat().sort((a, b) => a.line.time - b.line.time)) {
      const { level, time, message, fields } = line
      this.#logging.log({
        level: level as 'info',
        time,
        message,
        connector: shownName(this.#name),
        instance: id,
        ...(fields === undefined ? {} : { fields }),
      })
    }
  }

  async #instances(): Promise<readonly number[]> {
    const { instances } = await this.#admin[`${this.#kind}s`].status(this.#name)
    return instances.map(({ instanceId }) => instanceId)
  }

  async #since(id: number, limit: number): Promise<readonly LogLine[]> {
    const since = this.#shown.get(id) ?? 0
    const connectors = this.#admin[`${this.#kind}s`]
    try {
      let lines = await connectors.logs(this.#name, id, { since, limit })
      if (lines.length === 0 && since > 0) {
        // Where the instance runs anew, or on another worker, its numbers begin anew.
        const [last] = await connectors.logs(this.#name, id, { limit: 1 })
        if (last !== undefined && last.seq < since) lines = await connectors.logs(this.#name, id, { limit })
      }
      const newest = lines.at(-1)
      if (newest !== undefined) this.#shown.set(id, newest.seq)
      return lines
    } catch (error) {
      throw ours(
        error,
        this.#admin,
        "gives no logs; only this project's worker does. Pulsar's own writes them to logs/functions, or to --log-topic",
      )
    }
  }
}
