import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { API_LEVEL } from '@pulsar-io/sdk'
import { type Finding, ROOT, shown, type WorkspacePackage } from './workspace.ts'

/** Names, READMEs and API levels. That a connector's definition has the same name is checked where it is packed. */
export function checkConventions(packages: readonly WorkspacePackage[]): Finding[] {
  const findings: Finding[] = []
  for (const { kind, folder, dir, json } of packages) {
    const where = shown(dir)
    const add = (problem: string) => findings.push({ where, problem })
    const name = kind === 'connector' ? `@pulsar-io/connector-${folder}` : packageName(folder)
    if (json.name !== name) add(`package.json: the name is ${json.name}, but has to be ${name} as the folder says`)
    if (!existsSync(join(dir, 'README.md'))) add('has no README.md')
    if (json.license !== 'Apache-2.0') add('package.json: the license has to be Apache-2.0')
    if (!json.description) add('package.json: there is no description')
    if (kind === 'connector') {
      const level = json.pulsarIo?.apiLevel
      if (level !== API_LEVEL) add(`package.json: pulsarIo.apiLevel is ${level}, but the SDK has ${API_LEVEL}`)
      // Everything is bundled; what is listed here would be installed for nothing.
      const listed = Object.keys({ ...json.dependencies, ...json.peerDependencies, ...json.optionalDependencies })
      if (listed.length > 0)
        add(`package.json: ${listed.join(', ')} has to be in devDependencies, because archives bundle it`)
    }
  }
  return findings
}

function packageName(folder: string): string {
  return folder === 'create-connector' ? 'create-pulsar-connector' : `@pulsar-io/${folder}`
}

/** Every package has a version of its own, and changesets name packages that there are. */
export async function checkChangesets(packages: readonly WorkspacePackage[]): Promise<Finding[]> {
  const folder = join(ROOT, '.changeset')
  const findings: Finding[] = []
  const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as { readonly [key: string]: unknown }
  const wanted = { fixed: [], linked: [], access: 'public', baseBranch: 'main', ignore: [] }
  for (const [key, value] of Object.entries(wanted)) {
    if (JSON.stringify(config[key]) === JSON.stringify(value)) continue
    findings.push({ where: '.changeset/config.json', problem: `${key} has to be ${JSON.stringify(value)}` })
  }
  const names = new Set(packages.map(each => each.json.name))
  for (const file of (await readdir(folder)).filter(name => name.endsWith('.md') && name !== 'README.md')) {
    for (const name of changesetPackages(await readFile(join(folder, file), 'utf8'))) {
      if (names.has(name)) continue
      findings.push({ where: `.changeset/${file}`, problem: `${name} is not a package that is published` })
    }
  }
  return findings
}

/** The packages that a changeset moves. */
export function changesetPackages(text: string): string[] {
  const [, head = ''] = /^---\r?\n([\s\S]*?)\r?\n---/.exec(text) ?? []
  return [...head.matchAll(/^\s*['"]?([^'":\s]+)['"]?\s*:/gm)].map(match => match[1] ?? '')
}
