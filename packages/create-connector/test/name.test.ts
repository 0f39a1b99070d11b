import { describe, expect, it } from 'vitest'
import { nameProblem } from '../src/index.ts'

describe('nameProblem', () => {
  it.each(['redis-stream', 's3', 'a', 'kafka2-mirror'])('takes %s', name => {
    expect(nameProblem(name)).toBeUndefined()
  })

  it.each([
    ['', 'is empty'],
    ['RedisStream', 'for example redis-stream'],
    ['redis_stream', 'for example redis-stream'],
    ['Redis Stream!', 'for example redis-stream'],
    ['3com', 'for example com'],
    ['-', 'for example redis-stream'],
    ['a--b', 'for example a-b'],
    ['../evil', 'for example evil'],
    ['@scope/x', 'for example scope-x'],
    ['redis-connector', 'take redis'],
    ['connector-redis', 'take redis'],
    ['sink', 'says nothing of the system'],
    ['x'.repeat(300), '300 characters'],
  ])('refuses %j', (name, words) => {
    expect(nameProblem(name)).toContain(words)
  })

  it('refuses one that is taken', () => {
    expect(nameProblem('file', ['file'])).toContain('already')
  })
})
