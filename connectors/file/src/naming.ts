import { readdir, stat } from 'node:fs/promises'
import { dirname, extname, join, parse, resolve } from 'node:path'
import type { SinkContext } from '@pulsar-io/sdk'
import type { SinkConfig } from './options.ts'
import { errno } from './problems.ts'

/** Which files a sink writes: one, or a series with numbers. */
export interface Target {
  readonly folder: string
  /** `name.ndjson`, or the same with `-000001` before the dot. */
  name(number: number): string
  /** 0 for a file without a number. */
  readonly first: number
  /** The number in the name of one of our files; undefined for any other file. */
  numberOf(name: string): number | undefined
  /** A hidden file beside ours. */
  note(suffix: string): string
}

/** Works out what `path` means. Several instances write files of their own: theirs have the instance in their name. */
export async function resolveTarget(config: SinkConfig, context: SinkContext): Promise<Target> {
  const path = resolve(config.path)
  const folderMeant = /[/\\]$/.test(config.path) || (await isFolder(path))
  const ending = config.format === 'ndjson' ? '.ndjson' : '.txt'
  const extension = folderMeant ? ending : extname(path)
  const base = folderMeant ? context.name.replace(/[^\w.-]/g, '_') : parse(path).name
  const stem = context.numInstances > 1 ? `${base}-i${context.instanceId}` : base
  const numbered = config.maxSize !== undefined || config.maxAge !== undefined
  const folder = folderMeant ? path : dirname(path)
  const name = (number: number) => `${stem}${number > 0 ? `-${String(number).padStart(6, '0')}` : ''}${extension}`
  return {
    folder,
    name,
    first: numbered ? 1 : 0,
    numberOf: file => {
      if (!numbered) return file === name(0) ? 0 : undefined
      const digits = file.startsWith(`${stem}-`) ? file.slice(stem.length + 1, file.length - extension.length) : ''
      return /^\d{6,}$/.test(digits) && file.endsWith(extension) ? Number(digits) : undefined
    },
    note: suffix => join(folder, `.${stem}${extension}.${suffix}`),
  }
}

/** The numbers of the files of a series that are there, lowest first. */
export async function existingNumbers(target: Target): Promise<number[]> {
  const names = await readdir(target.folder)
  return names.flatMap(name => target.numberOf(name) ?? []).sort((a, b) => a - b)
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (errno(error) === 'ENOENT') return false
    throw error
  }
}
