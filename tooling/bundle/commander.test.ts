import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { nodeBundle } from '../esbuild.ts'
import { bundledCommander } from './commander.ts'

const PROGRAM = `
import { Command } from 'commander'
const program = new Command('outer').exitOverride()
program.command('inner').option('--value <text>').action(({ value }) => {
  const loaded = name => process.moduleLoadList.includes('NativeModule ' + name)
  console.log(JSON.stringify({ value, sockets: loaded('dgram'), processes: loaded('child_process') }))
})
await program.parseAsync()
`
const program = join(import.meta.dirname, `.commander-test-${process.pid}.mjs`)

beforeAll(async () => {
  const stdin = { contents: PROGRAM, resolveDir: join(import.meta.dirname, '../../packages/runtime') }
  const options = { ...nodeBundle, stdin, outfile: program, bundle: true, legalComments: 'none' } as const
  await build({ ...options, plugins: [bundledCommander] })
})
afterAll(() => rm(program, { force: true }))

it('reads a command line without the modules that most commands have no use for', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [program, 'inner', '--value', 'a'])
  expect(JSON.parse(stdout)).toEqual({ value: 'a', sockets: false, processes: false })
})
