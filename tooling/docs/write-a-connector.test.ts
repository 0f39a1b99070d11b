import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { service } from '../services/index.ts'
import { ExampleFolder } from './shell-examples.ts'
import { type Step, walkthrough } from './walkthrough.ts'

const root = join(import.meta.dirname, '..', '..')
const steps = walkthrough(await readFile(join(root, 'docs/write-a-connector.md'), 'utf8'))
const postgresql = await service('postgresql')

describe.skipIf(!postgresql.available)('docs/write-a-connector.md', () => {
  const url = new URL(postgresql.available ? postgresql.url : 'postgresql://unavailable')
  const credentials = postgresql.available ? postgresql.credentials : undefined
  const password = credentials?.password ?? ''
  let folder: ExampleFolder
  beforeAll(async () => {
    folder = await ExampleFolder.create(root, [])
    await mkdir(join(folder.path, 'timescale'))
    // What `npm install` would bring.
    await symlink(join(root, 'connectors/timescaledb/node_modules'), join(folder.path, 'timescale/node_modules'))
    const shim = `#!/bin/sh\nexec "${process.execPath}" --conditions=pulsar-io-source "${join(root, 'tooling/pack/alone.ts')}" "$@"\n`
    await writeFile(join(folder.path, '.bin/pulsar-connector'), shim)
    await chmod(join(folder.path, '.bin/pulsar-connector'), 0o755)
    await query('DROP TABLE IF EXISTS measurements')
  })
  afterAll(async () => {
    await query('DROP TABLE IF EXISTS measurements')
    await folder?.remove()
  })

  /** Rows as text, a line each. */
  const query = (statement: string): Promise<string> => {
    const config = {
      host: url.hostname,
      port: Number(url.port),
      user: credentials?.username,
      password,
      database: 'postgres',
    }
    const code = `const pg = (await import('pg')).default
      const client = new pg.Client(${JSON.stringify(config)})
      await client.connect()
      const { rows } = await client.query({ text: ${JSON.stringify(statement)}, rowMode: 'array' })
      await client.end()
      for (const row of rows ?? []) console.log(row.join(' '))`
    return folder.run(`cd timescale && node --input-type=module -e '${code.replaceAll("'", `'\\''`)}'`)
  }

  const perform = async ({ kind, path, text }: Step): Promise<string> => {
    if (kind === 'statement') return query(text)
    if (kind === 'command') return folder.run(`cd timescale\n${text}`)
    const file = join(folder.path, 'timescale', path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, path === 'timescale.json' ? JSON.stringify(here(JSON.parse(text) as Place)) : text)
    return ''
  }

  interface Place {
    readonly connection: object
  }

  /** The same with the server of this test. */
  const here = (place: Place): Place => ({
    ...place,
    connection: {
      ...place.connection,
      host: url.hostname,
      port: Number(url.port),
      user: credentials?.username,
      password,
    },
  })

  // In order and in one folder: each goes on where the one before it stopped.
  it.each(steps)('line $line', { timeout: 60_000 }, async step => {
    const output = await perform(step)
    if (step.output !== undefined) expect(output).toBe(step.output)
  })
})
