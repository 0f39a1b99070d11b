import { createHash } from 'node:crypto'
import { readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { quietly } from './command.mjs'
import { step } from './terminal.mjs'

/** Brings the dependencies, compiles the packages and packs the connectors; each part only where something changed. */
export async function prepareWorkspace(root, tools) {
  const pnpm = args => quietly('pnpm', args, { cwd: root, env: tools.env })
  const stamp = join(root, 'node_modules', '.bootstrap-stamp')
  const state = await manifestsDigest(root, tools.versions)
  if ((await readText(stamp)) !== state) {
    await step('Install dependencies from the lockfile', async () => {
      await pnpm(['install', '--frozen-lockfile', '--config.confirmModulesPurge=false'])
      await writeFile(stamp, state)
    })
  }
  await linkNode(root, tools)
  await step('Build the packages', () => pnpm(['run', 'build']))
  await step('Pack the connectors', () => pnpm(['run', 'pack:connectors']))
}

/** Changes when an install may have something to do. */
async function manifestsDigest(root, versions) {
  const files = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', 'tooling/package.json', 'test/package.json']
  for (const group of ['packages', 'connectors']) {
    for (const entry of await readdir(join(root, group), { withFileTypes: true })) {
      if (entry.isDirectory()) files.push(`${group}/${entry.name}/package.json`)
    }
  }
  const hash = createHash('sha256').update(versions)
  for (const file of files.sort()) hash.update(`\0${file}\0${(await readText(join(root, file))) ?? ''}`)
  return hash.digest('hex')
}

/**
 * The commands in `node_modules/.bin` run the Node beside them where there is one. That makes `npx runtime …` work on a
 * machine whose own Node is too old.
 */
async function linkNode(root, tools) {
  const link = join(root, 'node_modules', '.bin', 'node')
  await rm(link, { force: true })
  if (tools.ownNode) await symlink(tools.node, link)
}

async function readText(file) {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    return undefined
  }
}
