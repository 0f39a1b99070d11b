import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { README_HEADINGS } from '@pulsar-io/engine'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codesInSources, errorSections } from './error-codes.ts'
import { evidenceOf, unfounded } from './evidence.ts'
import { connectorNames, generatedFiles } from './outputs.ts'
import { ExampleFolder, shellExamples } from './shell-examples.ts'

const root = join(import.meta.dirname, '..', '..')
const read = (path: string) => readFile(join(root, path), 'utf8')

const names = await connectorNames(root)
const expected = await generatedFiles(root)

describe('generated text', () => {
  it.each([...expected])('%s is fresh (else: pnpm run docs)', async (path, text) => {
    expect(await read(path)).toBe(text)
  })

  it.each(names)('the README of the connector %s has its headings', async name => {
    const headings = (await read(`connectors/${name}/README.md`)).match(/(?<=^## ).*$/gm)
    expect(headings).toEqual(README_HEADINGS)
  })
})

describe('the evidence', () => {
  it.each(names)('of %s names tests, benches and figures that are there', async name => {
    expect(await unfounded(root, await evidenceOf(root, name))).toEqual([])
  })

  it('is found wanting where a test, a title, a clause, a bench or a figure is not there', async () => {
    const test = 'connectors/file/test/kill.test.ts'
    const faults = [
      { fault: 'a', test: 'connectors/file/test/none.test.ts', title: 'kill -9' },
      { fault: 'b', test, title: 'no such title' },
      { fault: 'c', test, title: 'SINK-999' },
      { fault: 'd', test, title: 'SINK-10' },
      { fault: 'e', test, title: 'kill -9' },
    ]
    const sink = { faults, throughput: { bench: 'none', figure: 'x' } }
    expect(await unfounded(root, { servers: [], sink })).toEqual([
      'there is no test file connectors/file/test/none.test.ts',
      `${test} has no test "no such title"`,
      'the conformance suite has no clause SINK-999',
      `${test} does not run the suite of SINK-10`,
      'there is no bench none',
      'docs/performance.md has no figure "x"',
    ])
  })
})

describe('docs/errors.md', async () => {
  const sections = errorSections(await read('docs/errors.md'))
  const documented = sections.map(section => section.code)

  it('has a section for each code in the sources, and for nothing else', async () => {
    expect([...documented].sort()).toEqual(await codesInSources(root))
  })

  it.each(sections)('tells the cause and the fix of $code', ({ body }) => {
    expect(body).toMatch(/^\*\*Cause\.\*\* \S/m)
    expect(body).toMatch(/^\*\*Fix\.\*\* \S/m)
  })
})

const documents: { path: string; markdown: string }[] = []
for await (const path of glob(['*.md', 'docs/**/*.md', '{connectors,packages}/*/README.md'], { cwd: root })) {
  const markdown = await read(path)
  if (shellExamples(markdown).length > 0) documents.push({ path, markdown })
}

describe.each(documents)('the examples of $path', ({ markdown }) => {
  let folder: ExampleFolder
  beforeAll(async () => {
    folder = await ExampleFolder.create(root, names)
  })
  afterAll(() => folder?.remove())

  // In order and in one folder: an example may go on where the one before it stopped.
  it.each(shellExamples(markdown))('line $line', { timeout: 60_000 }, async ({ script, output }) => {
    const stdout = await folder.run(script)
    if (output !== undefined) expect(stdout).toBe(output)
  })
})
