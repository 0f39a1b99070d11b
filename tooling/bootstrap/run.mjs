/**
 * What `npm start` and `npm test` run. Needs only Node 20 with npm: it brings a new enough Node and pnpm where the
 * machine has none, installs from the lockfile, builds, packs, and hands over to the task.
 */
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CommandError, inForeground } from './command.mjs'
import { advice, tail } from './failure.mjs'
import { runTests } from './tests.mjs'
import { ensureTools } from './tools.mjs'
import { prepareWorkspace } from './workspace.mjs'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..')

const tasks = {
  start: (tools, args) =>
    inForeground(tools.node, [join(root, 'tooling', 'start', 'cli.ts'), ...args], { cwd: root, env: tools.env }),
  test: (tools, args) => runTests(root, tools, args),
}

async function main([name, ...args]) {
  const task = tasks[name]
  if (!task) {
    console.error(`Usage: node tooling/bootstrap/run.mjs ${Object.keys(tasks).join('|')} [arguments]`)
    return 2
  }
  const tools = await ensureTools(root)
  await prepareWorkspace(root, tools)
  return task(tools, args)
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (error instanceof CommandError) console.error(`${tail(error.output)}\n\n${advice(error.output) ?? error.message}`)
  else console.error(error.message)
  process.exitCode = 1
}
