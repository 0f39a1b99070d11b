import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BatchSink, Offset, SinkContext, Source, SourceContext, SourceRecord } from '@pulsar-io/sdk'
import { type ContextLog, type ContextOverrides, createSinkContext, createSourceContext } from '@pulsar-io/testkit'
import { onTestFinished } from 'vitest'
import { sink, source } from '../src/index.ts'

/** A folder that is gone after the test. */
export async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'file-connector-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

function checked<T>(result: { ok: true; config: T } | { ok: false; problems: readonly unknown[] }): T {
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  return result.config
}

export interface OpenSource {
  readonly source: Source
  readonly context: SourceContext & ContextLog
  /** Reads until the source is done. */
  all(): Promise<SourceRecord[]>
  /** Reads until there are `count` records in sum, or the source is done. */
  take(count: number): Promise<SourceRecord[]>
}

export async function openSource(config: object, overrides: ContextOverrides<SourceContext> = {}): Promise<OpenSource> {
  const context = createSourceContext(overrides)
  const opened = source.create() as Source
  onTestFinished(async () => {
    context.stop()
    await opened.close()
  })
  await opened.open(checked(source.parse(config)), context)
  const take = async (count: number) => {
    const records: SourceRecord[] = []
    while (records.length < count) {
      const read = await opened.read()
      if (read === null) break
      records.push(...[read].flat())
    }
    return records
  }
  return { source: opened, context, take, all: () => take(Number.POSITIVE_INFINITY) }
}

/** What a runtime would hand back after it published these records; JSON on the way, as in a real store. */
export function offsetsOf(
  records: readonly SourceRecord[],
  before: ReadonlyMap<string, Offset> = new Map(),
): Map<string, Offset> {
  const offsets = new Map(before)
  for (const { partitionId, offset } of records)
    offsets.set(partitionId ?? '', JSON.parse(JSON.stringify(offset)) as Offset)
  return offsets
}

export function values(records: readonly SourceRecord[]): unknown[] {
  return records.map(record => record.value)
}

export async function openSink(config: object, overrides: ContextOverrides<SinkContext> = {}) {
  const context = createSinkContext(overrides)
  const opened = sink.create() as BatchSink
  let closed = false
  const close = async () => {
    if (closed) return
    closed = true
    await opened.close()
  }
  onTestFinished(close)
  await opened.open(checked(sink.parse(config)), context)
  return {
    sink: opened,
    context,
    close,
    write: (
      records: Parameters<BatchSink['write']>[0],
      checkpoint: Parameters<BatchSink['write']>[1]['checkpoint'] = [],
    ) => opened.write(records, { checkpoint, signal: context.signal }),
  }
}
