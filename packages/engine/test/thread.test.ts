import { mkdtempSync, rmSync } from 'node:fs'
import { enableCompileCache, getCompileCacheDir } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, it, onTestFinished } from 'vitest'
import { threadEnvironment } from '../src/instance/thread.ts'

it('has a thread keep compiled code where its runtime does', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pio-thread-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  enableCompileCache(folder)
  expect(getCompileCacheDir()).toBeDefined()
  const code = `const { parentPort } = require('node:worker_threads')
    parentPort.postMessage(require('node:module').getCompileCacheDir() ?? 'none')`
  const thread = new Worker(code, { eval: true, env: threadEnvironment() })
  expect(await new Promise(resolve => thread.once('message', resolve))).toBe(getCompileCacheDir())
  await thread.terminate()
})
