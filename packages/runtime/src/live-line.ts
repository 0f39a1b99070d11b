import type { InstanceSnapshot, RunningConnector } from '@pulsar-io/engine'
import type { TextStream } from './logging.ts'

/** Milliseconds between two drawings. */
const REDRAW_MS = 250

/** Drawings that the rate is an average of. */
const RATE_SAMPLES = 8

/** One line at the bottom of a terminal that shows how the run is doing. */
export interface LiveLine {
  /** Takes the place of stderr: text goes above the line. */
  readonly stream: TextStream
  start(connectors: readonly RunningConnector[]): void
  /** Takes the line away for good. */
  stop(): void
}

/** A terminal. */
export interface Terminal extends TextStream {
  readonly columns?: number
}

/** Draws on `terminal`; `now` is a clock in milliseconds. */
export function createLiveLine(terminal: Terminal, color: boolean, now: () => number = Date.now): LiveLine {
  let shown = ''
  let timer: NodeJS.Timeout | undefined
  const clear = () => {
    if (shown !== '') terminal.write('\r\x1b[K')
  }
  const draw = (text: string) => {
    clear()
    shown = text
    if (text !== '') terminal.write(color ? `\x1b[2m${text}\x1b[0m` : text)
  }
  return {
    stream: {
      isTTY: true,
      write(text) {
        clear()
        terminal.write(text)
        if (shown !== '') draw(shown)
      },
    },
    start(connectors) {
      const samples = [{ time: now(), written: 0 }]
      timer = setInterval(() => {
        const totals = total(connectors)
        const time = now()
        // Instances tell their numbers in steps: over a few drawings the rate is steady.
        const [oldest = { time, written: totals.written }] = samples
        const rate = ((totals.written - oldest.written) * 1000) / Math.max(1, time - oldest.time)
        samples.push({ time, written: totals.written })
        if (samples.length > RATE_SAMPLES) samples.shift()
        // One column stays free: a full line makes some terminals scroll.
        draw(liveText(totals, rate, connectors).slice(0, Math.max(0, (terminal.columns ?? 80) - 1)))
      }, REDRAW_MS)
      timer.unref()
    },
    stop() {
      clearInterval(timer)
      draw('')
    },
  }
}

interface Totals {
  /** What sources have published, where sinks write; undefined: there are only sources, or only sinks. */
  readonly read: number | undefined
  readonly written: number
  readonly lag: number | undefined
  readonly inFlight: number
  readonly retried: number
  readonly deadLettered: number
}

function total(connectors: readonly RunningConnector[]): Totals {
  const of = (kind: string) => connectors.filter(each => each.kind === kind).flatMap(each => each.snapshots())
  const [sources, sinks] = [of('source'), of('sink')]
  const snapshots = [...sources, ...sinks]
  const both = sources.length > 0 && sinks.length > 0
  const sum = (pick: (snapshot: InstanceSnapshot) => number, among = snapshots) =>
    among.reduce((all, each) => all + pick(each), 0)
  const lags = snapshots.map(each => each.lag).filter(lag => lag !== undefined)
  return {
    // A record on its way through a source and a sink counts once.
    read: both ? sum(each => each.written, sources) : undefined,
    written: sum(each => each.written, both ? sinks : snapshots),
    // Instances of one sink share its subscription, so each of them sees the same backlog.
    lag: lags.length === 0 ? undefined : Math.max(...lags),
    inFlight: sum(each => each.inFlight),
    retried: sum(each => each.retried),
    deadLettered: sum(each => each.deadLettered),
  }
}

function liveText(totals: Totals, rate: number, connectors: readonly RunningConnector[]): string {
  const trouble = connectors.flatMap(connector =>
    connector
      .snapshots()
      .filter(each => each.state !== 'running' && each.state !== 'finished')
      .map(each => `${connector.name} ${each.state}${each.reason ? `: ${each.reason}` : ''}`),
  )
  const parts = [
    `${count(Math.max(0, Math.round(rate)))}/s`,
    ...(totals.read === undefined ? [] : [`${count(totals.read)} read`]),
    `${count(totals.written)} written`,
    ...(totals.lag === undefined ? [] : [`lag ${count(totals.lag)}`]),
    `in flight ${count(totals.inFlight)}`,
    `retried ${count(totals.retried)}`,
    `dead ${count(totals.deadLettered)}`,
    ...new Set(trouble),
  ]
  return parts.join(' · ').replace(/\s+/g, ' ')
}

function count(n: number): string {
  return n.toLocaleString('en-US')
}
