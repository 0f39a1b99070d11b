import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contentEnd, csvSplitter, type Splitter, splitLines } from '../src/splitter.ts'
import { folder, offsetsOf, openSource, values } from './helpers.ts'

/** Cuts as the reader does: what is not complete in one piece is looked at again with the next. */
function cut(split: Splitter, bytes: Buffer, sizes: readonly number[]): string[] {
  const texts: string[] = []
  let from = 0
  let available = 0
  for (let i = 0; from < bytes.length; i++) {
    const before = available
    available = Math.min(bytes.length, available + (sizes[i % sizes.length] ?? 1))
    const piece = Buffer.from(bytes.subarray(0, available))
    for (let next = split(piece, from, piece.length); next >= 0; next = split(piece, from, piece.length)) {
      texts.push(piece.toString('utf8', from, contentEnd(piece, from, next)))
      from = next
      if (from >= piece.length) break
    }
    if (before === bytes.length) break
  }
  if (from < bytes.length) texts.push(bytes.toString('utf8', from))
  return texts
}

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 })
const text = fc.string({ unit: fc.constantFrom('a', 'ß', '語', '🚀', '\r', '"', ',', ' '), maxLength: 8 })

describe('splitLines', () => {
  it('gives the same lines however the bytes come in', () => {
    const line = text.filter(value => !value.endsWith('\r'))
    fc.assert(
      fc.property(fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n'))), sizes, (lines, pieces) => {
        const bytes = Buffer.from(lines.map(parts => parts.join('')).join(''))
        expect(cut(splitLines, bytes, pieces)).toEqual(lines.map(([value]) => value))
      }),
    )
  })
})

describe('csvSplitter', () => {
  const field = fc
    .string({ unit: fc.constantFrom('a', '語', '\r', '\n', '"', ';'), maxLength: 6 })
    .map(value => `"${value.replaceAll('"', '""')}"`)
  const plain = fc.string({ unit: fc.constantFrom('b', 'ß', ','), maxLength: 4 })

  it('gives the same rows however the bytes come in', () => {
    const row = fc.array(fc.oneof(field, plain), { minLength: 1, maxLength: 4 }).map(fields => fields.join(';'))
    fc.assert(
      fc.property(fc.array(fc.tuple(row, fc.constantFrom('\n', '\r\n'))), sizes, (rows, pieces) => {
        const bytes = Buffer.from(rows.map(parts => parts.join('')).join(''))
        expect(cut(csvSplitter(';'), bytes, pieces)).toEqual(rows.map(([value]) => value))
      }),
    )
  })
})

describe('the source', () => {
  it('reads what was written, in whatever pieces it was appended and wherever a run ended', async () => {
    const path = join(await folder(), 'in.txt')
    const line = fc.string({ unit: fc.constantFrom('x', 'é', '🚀', '\t'), maxLength: 300 })
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 20 }), fc.nat(), fc.nat(), async (lines, a, b) => {
        const bytes = Buffer.from(lines.map(value => `${value}\n`).join(''))
        const grown = a % (bytes.length + 1)
        await writeFile(path, bytes.subarray(0, grown))
        const complete = bytes.subarray(0, grown).filter(byte => byte === 10).length
        const first = await openSource({ path, follow: true, pollInterval: 10 })
        const records = (await first.take(complete)).slice(0, b % (complete + 1))
        await first.source.close()
        await appendFile(path, bytes.subarray(grown))
        const second = await openSource({ path }, { offsets: offsetsOf(records) })
        expect([...values(records), ...values(await second.all())]).toEqual(lines)
        await second.source.close()
      }),
      { numRuns: 60 },
    )
  })
})
