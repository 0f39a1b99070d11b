import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Item, sinkConformance, sourceConformance } from '@pulsar-io/testkit/conformance'
import { sink, source } from '../src/index.ts'

const temporary = () => mkdtemp(join(tmpdir(), 'file-conformance-'))
const remove = (folder: string) => rm(folder, { recursive: true, force: true })
const itemsIn = (text: string): Item[] =>
  text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Item)

for (const guarantee of ['EFFECTIVELY_ONCE', 'ATLEAST_ONCE'] as const)
  sinkConformance(`file, ${guarantee}`, {
    definition: sink,
    guarantee,
    capabilities: {
      ordered: true,
      keys: false,
      properties: false,
      upsert: false,
      tombstone: { effect: 'stored' },
      faults: 'none',
      // The lock keeps other processes out; within a process the runtime closes an instance before it opens the next.
      fenced: false,
    },
    place: async () => {
      const folder = await temporary()
      return {
        // Small enough for several files in the tests of large batches.
        config: { path: join(folder, 'out.ndjson'), maxSize: '64KiB' },
        read: async () => {
          const names = (await readdir(folder)).filter(name => /^out(-\d+)?\.ndjson$/.test(name)).sort()
          const texts = await Promise.all(names.map(name => readFile(join(folder, name), 'utf8')))
          return itemsIn(texts.join(''))
        },
        close: () => remove(folder),
      }
    },
    // No text.
    poison: () => ({ value: Buffer.from([0xff]) }),
    mistakes: {
      missingTarget: {
        config: config => ({ ...config, path: `${import.meta.filename}/below/a/file` }),
        names: 'below/a/file',
      },
    },
  })

sourceConformance('file', {
  definition: source,
  capabilities: {
    readsEarlier: true,
    acks: false,
    keys: true,
    properties: false,
    ordered: true,
    poison: true,
    tombstones: false,
    faults: 'none',
    readAhead: 1000,
    ends: config => ({ ...config, follow: false }),
  },
  place: async () => {
    const folder = await temporary()
    const path = join(folder, 'in.ndjson')
    await writeFile(path, '')
    return {
      config: { path, format: 'ndjson', follow: true, pollInterval: 20, keyField: 'key', onMalformed: 'skip' },
      write: list => appendFile(path, list.map(item => `${JSON.stringify(item)}\n`).join('')),
      poison: () => appendFile(path, '{"broken\n'),
      close: () => remove(folder),
    }
  },
  mistakes: {
    missingTarget: {
      config: config => ({ ...config, path: '/no/such/folder/in.ndjson', follow: false }),
      names: '/no/such/folder/in.ndjson',
    },
  },
})
