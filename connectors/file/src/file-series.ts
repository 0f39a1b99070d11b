import { existsSync } from 'node:fs'
import { mkdir, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { ConfigError, comparePositions, type PartitionCheckpoint, type Record, type SinkContext } from '@pulsar-io/sdk'
import type { Checkpoint, CheckpointFile } from './checkpoint.ts'
import { syncFolder } from './durable.ts'
import type { LineBuffer } from './line-buffer.ts'
import { FileLock } from './lock.ts'
import { existingNumbers, resolveTarget, type Target } from './naming.ts'
import type { SinkConfig } from './options.ts'
import { OutputFile } from './output-file.ts'
import { shorten, writeProblem } from './problems.ts'

/** Where a file stood when a batch began. */
interface Mark {
  readonly file: OutputFile
  readonly length: number
}

/** The file, or the numbered files, that a sink appends to: a batch is in as a whole or not at all. */
export class FileSeries {
  readonly #config: SinkConfig
  readonly #context: SinkContext
  #path: string
  #target: Target | undefined
  #lock: FileLock | undefined
  #checkpoint: CheckpointFile | undefined
  #positions = new Map<string, PartitionCheckpoint>()
  #file: OutputFile | undefined
  #number = 0
  /** A crash may have left a torn line that nobody has looked at yet. */
  #unmended = false
  /** Files of a failed batch that still have to be cut back. */
  #leftovers: readonly Mark[] = []

  constructor(config: SinkConfig, context: SinkContext) {
    this.#config = config
    this.#context = context
    this.#path = resolve(config.path)
  }

  /** How far each partition got; empty without EFFECTIVELY_ONCE. */
  get positions(): readonly PartitionCheckpoint[] {
    return [...this.#positions.values()]
  }

  /** True for a record that is certainly in; always false without EFFECTIVELY_ONCE. */
  holds(record: Pick<Record, 'topic' | 'partition' | 'position'>): boolean {
    if (this.#positions.size === 0) return false
    const last = this.#positions.get(keyOf(record))?.position
    return last !== undefined && comparePositions(record.position, last) <= 0
  }

  async open(): Promise<void> {
    try {
      await this.#open()
    } catch (error) {
      throw await writeProblem(error, this.#path)
    }
  }

  async write(lines: LineBuffer, checkpoint: readonly PartitionCheckpoint[]): Promise<void> {
    try {
      await this.#undo()
      // A file that is deleted while it is being written takes the batch along: it is written again.
      while (!(await this.#write(lines, checkpoint)))
        this.#context.logger.warn(`${this.#path} was deleted; making it anew`)
    } catch (error) {
      const problem = await writeProblem(error, this.#path)
      try {
        await this.#undo()
      } catch (again) {
        // The next write tries again before it does anything else.
        this.#context.logger.debug('cannot cut back a failed write yet', { error: String(again) })
      }
      throw problem
    }
  }

  async close(): Promise<void> {
    const { logger } = this.#context
    let clean = this.#leftovers.length === 0 && !this.#unmended
    for (const part of [this.#file, ...this.#leftovers.map(mark => mark.file), this.#checkpoint]) {
      try {
        await part?.close()
      } catch (error) {
        // A handle that was closed already is of no interest, anything else is: the lock stays as a sign.
        clean = false
        logger.debug('closing failed', { error: String(error) })
      }
    }
    if (clean) await this.#lock?.release()
    this.#file = undefined
    this.#checkpoint = undefined
    this.#lock = undefined
  }

  async #open(): Promise<void> {
    const { tenant, namespace, name, instanceId, numInstances, guarantee } = this.#context
    if (guarantee === 'EFFECTIVELY_ONCE' && numInstances > 1)
      throw new ConfigError(
        [
          {
            path: '',
            message: `EFFECTIVELY_ONCE into files needs a single instance, got parallelism ${numInstances}: each instance has a file of its own and cannot know what the others wrote`,
          },
        ],
        { code: 'PIO_FILE_INSTANCES' },
      )
    const target = await resolveTarget(this.#config, this.#context)
    this.#target = target
    this.#path = join(target.folder, target.name(target.first))
    await makeFolder(target.folder)
    const { lock, crashed } = await FileLock.acquire(
      target.note('lock'),
      this.#path,
      `${tenant}/${namespace}/${name}/${instanceId}`,
    )
    this.#lock = lock
    this.#unmended = crashed
    const numbers = await existingNumbers(target)
    const checkpoint = await this.#loadCheckpoint(target)
    if (checkpoint) await this.#rollBack(target, numbers, checkpoint)
    else await this.#openFile(numbers.at(-1) ?? target.first)
    if (!this.#file) throw new Error('no file was opened')
    await this.#mendTail(this.#file, crashed)
    this.#unmended = false
    await this.#saveCheckpoint(this.#file, this.#positions)
  }

  async #openFile(number: number): Promise<OutputFile> {
    if (!this.#target) throw new Error('write before open')
    this.#path = join(this.#target.folder, this.#target.name(number))
    const file = await OutputFile.open(this.#path)
    this.#file = file
    this.#number = number
    return file
  }

  async #loadCheckpoint(target: Target): Promise<Checkpoint | undefined> {
    const path = target.note('pulsar-io')
    const keeps = this.#context.guarantee === 'EFFECTIVELY_ONCE'
    if (!keeps && !existsSync(path)) return undefined
    // Loaded here: most sinks keep none, and it brings node:zlib along.
    const { CheckpointFile } = await import('./checkpoint.ts')
    const file = new CheckpointFile(path)
    const checkpoint = await file.load()
    if (!keeps) {
      // From here on it would be behind the file, and a later run would take away what this one wrote.
      if (checkpoint) await file.remove()
      return undefined
    }
    this.#checkpoint = file
    for (const entry of checkpoint?.positions ?? []) this.#positions.set(keyOf(entry), entry)
    return checkpoint
  }

  /** Takes away what a crash left behind the last checkpoint: its records come again. */
  async #rollBack(target: Target, numbers: readonly number[], { file: name, length }: Checkpoint): Promise<void> {
    const { logger } = this.#context
    const number = target.numberOf(name)
    if (number === undefined)
      throw new ConfigError(
        [
          {
            path: 'path',
            message: `${target.note('pulsar-io')} speaks of ${name}, which these options do not write; restore maxSize and maxAge, choose another path, or remove it to begin anew`,
          },
        ],
        { code: 'PIO_FILE_CHECKPOINT' },
      )
    for (const later of numbers.filter(other => other > number)) {
      logger.warn(`removing ${target.name(later)}: a crash left it before its records counted as written`)
      await rm(join(target.folder, target.name(later)))
    }
    const file = await this.#openFile(number)
    if (file.length > length) {
      logger.warn(`cutting ${file.path} from ${file.length} to ${length} bytes: the rest did not count as written yet`)
      await file.cut(length)
    } else if (file.length < length) {
      logger.warn(`${file.path} has ${file.length} bytes where ${length} were written: somebody took records away`)
    }
  }

  /** A line without its newline was never confirmed if we wrote it; if somebody else did, it is a line. */
  async #mendTail(file: OutputFile, crashed: boolean): Promise<void> {
    const tail = await file.tornTail()
    if (tail.length === 0) return
    const text = shorten(tail.toString('utf8'))
    if (crashed || (this.#config.format === 'ndjson' && !isJson(tail))) {
      this.#context.logger.warn(`cut a torn line of ${tail.length} bytes off ${file.path}; its record comes again`, {
        text,
      })
      await file.cut(file.length - tail.length)
    } else {
      this.#context.logger.info(`${file.path} did not end with a newline; added one`, { text })
      await file.append(Buffer.from('\n'))
    }
    await file.sync()
  }

  /** False when the batch went into a file that was deleted meanwhile. */
  async #write(lines: LineBuffer, checkpoint: readonly PartitionCheckpoint[]): Promise<boolean> {
    let file = this.#file ?? (await this.#reopen())
    const marks: Mark[] = [{ file, length: file.length }]
    this.#leftovers = marks
    const { maxSize = Number.POSITIVE_INFINITY, maxAge = Number.POSITIVE_INFINITY } = this.#config
    const old = file.length > 0 && performance.now() - file.since >= maxAge
    const room = old ? 0 : Math.max(0, maxSize - file.length)
    // A line that does not fit into any file gets one for itself.
    const pieces = lines.pieces(piece => (piece > 0 ? maxSize : file.length === 0 ? Math.max(maxSize, 1) : room))
    for (const [i, piece] of pieces.entries()) {
      if (piece.length === 0) continue
      if (i > 0 && file.length > 0) {
        file = await this.#openFile(this.#number + 1)
        marks.push({ file, length: file.length })
      }
      await file.append(piece)
    }
    // A checkpoint that is durable while its records are not would lose them.
    const sync = this.#config.fsync || this.#checkpoint !== undefined
    if (sync) for (const { file, length } of marks) if (file.length > length) await file.sync()
    const place = await file.place()
    if (place === 'deleted') {
      for (const mark of marks) await mark.file.cut(mark.length)
      await this.#forget(marks)
      return false
    }
    // The map moves on only when the checkpoint is durable: a batch that fails is not in.
    const positions = new Map(this.#positions)
    for (const entry of checkpoint) {
      const last = positions.get(keyOf(entry))
      if (!last || comparePositions(entry.position, last.position) > 0) positions.set(keyOf(entry), entry)
    }
    await this.#saveCheckpoint(file, positions)
    this.#positions = positions
    this.#leftovers = []
    for (const mark of marks) if (mark.file !== file) await mark.file.close()
    if (place === 'moved') {
      this.#context.logger.info(`${file.path} was moved away; the next batch begins a new file`)
      await this.#forget([{ file, length: 0 }])
    }
    return true
  }

  async #forget(marks: readonly Mark[]): Promise<void> {
    this.#file = undefined
    this.#leftovers = []
    for (const mark of marks) await mark.file.close()
  }

  /** Somebody took the file away: the next one begins, and so does its checkpoint. */
  async #reopen(): Promise<OutputFile> {
    const file = await this.#openFile(this.#number)
    await this.#saveCheckpoint(file, this.#positions)
    return file
  }

  async #saveCheckpoint(file: OutputFile, positions: ReadonlyMap<string, PartitionCheckpoint>): Promise<void> {
    await this.#checkpoint?.save({
      file: this.#target?.name(this.#number) ?? '',
      length: file.length,
      positions: [...positions.values()],
    })
  }

  /** Cuts the files of a failed batch back to where they were. */
  async #undo(): Promise<void> {
    const marks = this.#leftovers
    for (const { file, length } of marks) await file.cut(length)
    this.#leftovers = []
    for (const { file } of marks) if (file !== this.#file) await file.close()
  }
}

/**
 * Makes a folder and those above it, durably. Node's own recursive mkdir never returns where a file system such as /proc
 * answers ENOENT.
 */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const above = dirname(folder)
    if (code === 'EEXIST' && (await stat(folder)).isDirectory()) return
    if (code !== 'ENOENT' || above === folder || existsSync(above)) throw error
    await makeFolder(above)
    return makeFolder(folder)
  }
  await syncFolder(dirname(folder))
}

function keyOf({ topic, partition }: Pick<PartitionCheckpoint, 'topic' | 'partition'>): string {
  return `${topic}-partition-${partition}`
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString('utf8'))
    return true
  } catch {
    // That it is none is the answer.
    return false
  }
}
