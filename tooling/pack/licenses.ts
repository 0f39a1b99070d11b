import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** A package of which something is in a bundle. */
export interface BundledPackage {
  readonly name: string
  readonly version: string
  readonly license: string
  readonly texts: readonly string[]
}

const LICENSE_FILE = /^(licen[cs]e|copying|notice)([.-].*)?$/i
const RULE = '-'.repeat(80)

/**
 * The licences of every installed package of which something was bundled, and the notices kept from the sources.
 * Empty when nothing of others is in it.
 */
export async function thirdPartyLicenses(files: readonly string[], legalComments: string): Promise<string> {
  const packages = await bundledPackages(files, packageRoot)
  if (packages.length === 0) return ''
  const sections = packages.map(({ name, version, license, texts }) => {
    const id = `${name}@${version}`
    const body = texts.length > 0 ? texts.join('\n\n') : `The package carries no licence text. Licence: ${license}`
    return `${RULE}\n${id} (${license})\n${RULE}\n\n${body}\n`
  })
  const notices =
    legalComments.trim() === '' ? [] : [`${RULE}\nNotices in the sources\n${RULE}\n\n${legalComments.trim()}\n`]
  return `This package contains code of the packages below.\n\n${[...sections, ...notices].join('\n')}`
}

/** The packages that files belong to, by name. */
async function bundledPackages(
  files: readonly string[],
  rootOf: (file: string) => string | undefined,
): Promise<readonly BundledPackage[]> {
  const roots = new Set(files.flatMap(file => rootOf(file) ?? []))
  const packages = await Promise.all([...roots].map(readPackage))
  const byName = new Map(packages.map(each => [`${each.name}@${each.version}`, each]))
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each)
}

/** All packages of which something is in the bundle of `folder` but itself, those of the workspace included. */
export function packagesIn(folder: string, files: readonly string[]): Promise<readonly BundledPackage[]> {
  return bundledPackages(files, file => {
    const root = packageRoot(file) ?? workspaceRoot(file)
    return root === folder ? undefined : root
  })
}

/** The folder of the workspace's package that a file belongs to. */
function workspaceRoot(file: string): string | undefined {
  for (let at = dirname(file); dirname(at) !== at; at = dirname(at)) {
    if (existsSync(join(at, 'package.json'))) return at
  }
  return undefined
}

/** The folder of the installed package that a file belongs to; undefined for files of the workspace. */
function packageRoot(file: string): string | undefined {
  const path = file.replaceAll('\\', '/')
  const at = path.lastIndexOf('/node_modules/')
  if (at < 0) return undefined
  const [first = '', second = ''] = path.slice(at + '/node_modules/'.length).split('/')
  const name = first.startsWith('@') ? `${first}/${second}` : first
  const root = `${path.slice(0, at)}/node_modules/${name}`
  return existsSync(join(root, 'package.json')) ? root : dirname(file)
}

async function readPackage(root: string): Promise<BundledPackage> {
  const facts = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    name?: string
    version?: string
    license?: string
  }
  const names = (await readdir(root)).filter(name => LICENSE_FILE.test(name)).sort()
  const texts = await Promise.all(names.map(name => readFile(join(root, name), 'utf8')))
  return {
    name: facts.name ?? root,
    version: facts.version ?? '',
    license: facts.license ?? 'not stated',
    texts: texts.map(text => text.replaceAll('\r\n', '\n').trim()),
  }
}
