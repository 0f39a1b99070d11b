import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

it('gives V8 only flags that it knows: a Node that renamed one would complain at each start of a worker', () => {
  const code = readFileSync(new URL('../bin/runtime.js', import.meta.url), 'utf8')
  const flags = [...code.matchAll(/setFlagsFromString\('([^']+)'\)/g)].map(([, flag]) => flag)
  expect(flags).toContain('--single-threaded-gc')
  const script = `for (const flag of ${JSON.stringify(flags)}) require('node:v8').setFlagsFromString(flag)`
  const { status, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
})
