import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { Environment, randomVersion } from '../src/environment.ts'
import { type Session, Sessions } from '../src/sessions.ts'

/** A thread's sessions on an environment of its own, and which others it took for dead. */
async function watching() {
  const directory = mkdtempSync(join(tmpdir(), 'pio-sessions-'))
  const env = await Environment.open(directory, undefined)
  const dead = new Set<string>()
  const sessions = new Sessions(
    env,
    async ids => {
      for (const id of ids) dead.add(id)
    },
    error => {
      throw error
    },
  )
  onTestFinished(async () => {
    await sessions.stop()
    await env.close()
    rmSync(directory, { recursive: true })
  })
  const add = async (...others: readonly Session[]) => {
    for (const one of others) await env.write(env.sessions, () => env.put(env.sessions, one.id, one, randomVersion()))
  }
  return { sessions, dead, add }
}

it('looks after those behind it in a circle until three live, and after all when asked', async () => {
  const { sessions, dead, add } = await watching()
  await sessions.start()
  const { own } = sessions
  // An id sorts by its beginning: "~" comes behind every own id, "!" before, which is behind it in the circle.
  const living = (id: string): Session => ({ ...own, id })
  const gone = (id: string): Session => ({ ...own, id, pid: 2 ** 22 + 1, stat: `/proc/${2 ** 22 + 1}/stat` })
  await add(gone('~1'), living('~2'), gone('~3'), gone('!1'), living('!2'), gone('!3'), living('!4'), gone('!5'))
  await vi.waitFor(() => expect([...dead].sort()).toEqual(['!1', '!3', '~1', '~3']), { timeout: 5_000 })
  await sessions.reap()
  expect([...dead].sort()).toEqual(['!1', '!3', '!5', '~1', '~3'])
})
