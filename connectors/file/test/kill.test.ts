import { fork } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { folder } from './helpers.ts'

/** Starts a child and kills it `ms` after it began to work; true when it got to its end before. */
async function run(child: string, args: readonly string[], ms: number): Promise<boolean> {
  const script = fileURLToPath(new URL(child, import.meta.url))
  const running = fork(script, args, {
    execArgv: ['--conditions=pulsar-io-source'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let complaint = ''
  running.stderr?.on('data', chunk => {
    complaint += chunk
  })
  const ended = once(running, 'exit')
  await Promise.race([once(running, 'message'), ended])
  const timer = setTimeout(() => running.kill('SIGKILL'), ms)
  const [code, signal] = await ended
  clearTimeout(timer)
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(`${child} ended with ${code}: ${complaint}`)
  return code === 0
}

async function untilDone(
  child: string,
  args: readonly string[],
  between?: (kills: number) => Promise<void>,
): Promise<number> {
  let kills = 0
  // After some kills it is left alone, so that the test ends on a slow machine, too.
  while (!(await run(child, args, kills < 5 ? 1 + ((kills * 37) % 90) : 60_000))) {
    kills++
    await between?.(kills)
  }
  return kills
}

async function lines(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8')
  expect(text.endsWith('\n')).toBe(true)
  return text.split('\n').slice(0, -1)
}

describe('kill -9', () => {
  const total = 6000
  const expected = Array.from({ length: total }, (_, n) => n)

  it.each([
    ['one file', {}],
    ['rotated files', { maxSize: '64KiB' }],
  ])('EFFECTIVELY_ONCE into %s: each record once, in order', async (_, rotation) => {
    const path = await folder()
    const out = join(path, 'out.ndjson')
    await writeFile(join(path, '.acked'), '')
    const args = [JSON.stringify({ path: out, ...rotation }), 'EFFECTIVELY_ONCE', String(total), join(path, '.acked')]
    expect(await untilDone('./sink-child.ts', args)).toBeGreaterThan(2)
    const files = (await readdir(path)).filter(name => !name.startsWith('.'))
    const all = (await Promise.all(files.map(name => lines(join(path, name))))).flat()
    expect(all.map(line => JSON.parse(line).n)).toEqual(expected)
  })

  it('ATLEAST_ONCE: no record is missing, no line is torn', async () => {
    const path = await folder()
    const out = join(path, 'out.ndjson')
    await writeFile(join(path, '.acked'), '')
    const args = [JSON.stringify({ path: out }), 'ATLEAST_ONCE', String(total), join(path, '.acked')]
    expect(await untilDone('./sink-child.ts', args)).toBeGreaterThan(2)
    const seen = new Set((await lines(out)).map(line => JSON.parse(line).n))
    expect([...seen].sort((a, b) => a - b)).toEqual(expected)
  })

  it('the source: each line once while the file grows, with deduplication and stored offsets', async () => {
    const path = await folder()
    const [log, topic, store] = [join(path, 'app.log'), join(path, 'topic'), join(path, 'offsets')]
    let written = 0
    const grow = async (count: number, torn: string) => {
      await appendFile(log, Array.from({ length: count }, () => `line ${written++}\n`).join('') + torn)
    }
    await grow(1000, '')
    const args = [JSON.stringify({ path: log, follow: true, pollInterval: 10 }), topic, store]
    for (let kills = 0; kills < 5; kills++) {
      const running = run('./source-child.ts', args, 40 + kills * 20)
      await sleep(20)
      await grow(100, 'line ')
      await appendFile(log, `${written++}\n`)
      if (kills === 3) {
        await rename(log, `${log}.1`)
        await writeFile(log, '')
      }
      await running
    }
    // The last one ends by itself, once the topic holds as many records as lines were written.
    expect(await run('./source-child.ts', [...args, String(written)], 60_000)).toBe(true)
    const values = (await lines(topic)).map(line => Number(line.split(' ').at(-1)))
    expect(values.toSorted((a, b) => a - b)).toEqual(Array.from({ length: written }, (_, n) => n))
  })
})
