import { describe, expect, it } from 'vitest'
import { indexNameOfTopic, indexNameProblem, parseNamePattern } from '../src/index-name.ts'

const MOMENT = Date.UTC(2026, 0, 5, 23, 4, 9)

describe('index names', () => {
  it.each([
    ['-a', 'start with'],
    ['_a', 'start with'],
    ['+a', 'start with'],
    ['.', 'must not be'],
    ['..', 'must not be'],
    ['My_Index', 'use "my_index"'],
    ['a b', 'must not contain " "'],
    ['a:b', 'must not contain ":"'],
    ['a#b', 'must not contain "#"'],
    [`${'ä'.repeat(128)}`, 'at most 255 bytes, is 256'],
    ['', 'empty'],
  ])('refuses %j', (name, problem) => expect(indexNameProblem(name)).toContain(problem))

  it.each(['a', 'a.b-c_d', 'ä', '.hidden', 'x'.repeat(255)])('takes %j', name =>
    expect(indexNameProblem(name)).toBeUndefined(),
  )

  it('is the topic’s own name in lower case', () => {
    expect(indexNameOfTopic('persistent://public/default/Good_Topic')).toBe('good_topic')
  })

  it('fills in the time in UTC', () => {
    const { dated, nameAt } = parseNamePattern('logs-%{+yyyy-MM-dd}')
    expect(dated).toBe(true)
    expect(nameAt(MOMENT)).toBe('logs-2026-01-05')
    expect(nameAt(MOMENT + 60 * 60 * 1000)).toBe('logs-2026-01-06')
    expect(nameAt(MOMENT)).toBe('logs-2026-01-05')
    expect(parseNamePattern('%{+yy.M.d}-x-%{+HHmmss}').nameAt(MOMENT)).toBe('26.1.5-x-230409')
  })

  it('leaves a name without a date alone', () => {
    const { dated, nameAt } = parseNamePattern('plain')
    expect([dated, nameAt(0)]).toEqual([false, 'plain'])
  })

  it.each(['a-%{yyyy}', 'a-%{+yyyy', 'a-%{+QQ}', 'A-%{+yyyy}', '%{+-yyyy}'])('refuses the pattern %j', pattern =>
    expect(() => parseNamePattern(pattern)).toThrow(RangeError),
  )
})
