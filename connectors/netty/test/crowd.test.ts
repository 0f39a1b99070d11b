import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startTcp, until } from './harness.ts'

/** Open files that this process and its libraries need besides. */
const SPARE = 1000

/** Node raises its limit to what the system allows at most. */
function openFiles(): number {
  const limit = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim()
  return limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit)
}

const CONNECTIONS = Math.min(10_000, openFiles() - SPARE)
const LINES = 10

describe('a crowd of clients', { timeout: 120_000 }, () => {
  it(`of ${CONNECTIONS} connections at the same time has every line published, each once and in its order`, async () => {
    const running = await startTcp({ maxConnections: CONNECTIONS })
    const entry = new URL('./crowd.ts', import.meta.url)
    const crowd = fork(entry, [running.port, CONNECTIONS, LINES].map(String), { execArgv: [] })
    onTestFinished(() => void crowd.kill('SIGKILL'))
    expect((await once(crowd, 'message'))[0]).toBe('connected')
    await until(() => expect(running.listener.held.connections).toBe(CONNECTIONS))
    crowd.send('go')
    expect((await once(crowd, 'message'))[0]).toEqual({ ended: CONNECTIONS })

    const next = new Array<number>(CONNECTIONS).fill(0)
    for (const text of running.texts()) {
      const [client = -1, line] = text.split(':').map(Number)
      expect(line).toBe(next[client])
      next[client] = Number(line) + 1
    }
    expect(next.every(lines => lines === LINES)).toBe(true)
    expect(running.records).toHaveLength(CONNECTIONS * LINES)
    expect(running.metric('netty_failed_connections')).toBe(0)
    expect(running.metric('netty_refused_connections')).toBe(0)
    await until(() => expect(running.listener.held.connections).toBe(0))
    expect(running.listener.held).toEqual({ connections: 0, incompleteBytes: 0, waitingBytes: 0, unreadBytes: 0 })
  })
})
