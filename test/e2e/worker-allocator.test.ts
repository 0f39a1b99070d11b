import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { product } from '../support/product.ts'

describe.skipIf(process.platform !== 'linux')('the allocator of `runtime worker`', { timeout: 60_000 }, () => {
  it.each([
    ['is set where nobody says how', undefined, 'MALLOC_ARENA_MAX=2'],
    ['stays as the operator has it', '7', 'MALLOC_ARENA_MAX=7'],
  ])('%s, in the process that was started', async (_, given, expected) => {
    const folder = await mkdtemp(join(tmpdir(), 'worker-allocator-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const args = ['worker', '--port', '0', '--work-dir', folder, '--broker-service-url', `embedded:${folder}/log`]
    const worker = spawn(process.execPath, [product.command, ...args], {
      cwd: folder,
      env: { ...process.env, MALLOC_ARENA_MAX: given, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void worker.kill('SIGKILL'))
    await once(worker.stdout, 'data')
    const environment = (await readFile(`/proc/${worker.pid}/environ`, 'utf8')).split('\0')
    expect(environment.filter(each => each.startsWith('MALLOC_ARENA_MAX='))).toEqual([expected])
    worker.kill('SIGTERM')
    expect(await once(worker, 'exit')).toEqual([0, null])
  })
})
