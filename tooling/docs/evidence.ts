import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sinkClauses, sourceClauses } from '@pulsar-io/testkit/conformance'
import * as z from 'zod'

const proof = z.strictObject({
  /** What happened to the connector, in few words. */
  fault: z.string().min(1),
  /** The test file, as a path inside the repository. */
  test: z.string().min(1),
  /** The test's title as it stands in the file, or the id of a clause of the conformance suite. */
  title: z.string().min(1),
})

const direction = z.strictObject({
  /** What a configuration needs for EFFECTIVELY_ONCE beyond its defaults. */
  condition: z.string().min(1).optional(),
  faults: z.array(proof),
  /** The bench that compares with a plain loop, and the name of its figure in docs/performance.md. */
  throughput: z.strictObject({ bench: z.string().min(1), figure: z.string().min(1) }).optional(),
})

const evidence = z.strictObject({
  /** Servers and versions that the tests ran against; empty where the connector needs none. */
  servers: z.array(z.string().min(1)).optional(),
  sink: direction.optional(),
  source: direction.optional(),
})

/** What is known of a connector from tests and benches: its `evidence.json`. */
export type Evidence = z.output<typeof evidence>

/** Reads the evidence of a connector; a new one may have none yet. Throws where it has another form. */
export async function evidenceOf(root: string, name: string): Promise<Evidence> {
  const text = await read(root, `connectors/${name}/evidence.json`)
  return evidence.parse(text === undefined ? {} : JSON.parse(text))
}

/** What the evidence names and the repository does not have: tests, titles, benches, figures. Empty when all is there. */
export async function unfounded(root: string, { sink, source }: Evidence): Promise<string[]> {
  const problems: string[] = []
  const figures = (await read(root, 'docs/performance.md')) ?? ''
  for (const { faults, throughput } of [sink, source].filter(found => found !== undefined)) {
    for (const { test, title } of faults) problems.push(...(await proofProblems(root, test, title)))
    if (throughput === undefined) continue
    if ((await read(root, `tooling/bench/${throughput.bench}.ts`)) === undefined)
      problems.push(`there is no bench ${throughput.bench}`)
    if (!figures.includes(`\n| ${throughput.figure} |`))
      problems.push(`docs/performance.md has no figure "${throughput.figure}"`)
  }
  return problems
}

const clauses = new Set([...sinkClauses, ...sourceClauses].map(({ id }) => id))

async function proofProblems(root: string, test: string, title: string): Promise<string[]> {
  const text = await read(root, test)
  if (text === undefined) return [`there is no test file ${test}`]
  if (!/^(SINK|SRC)-\d+$/.test(title)) return text.includes(title) ? [] : [`${test} has no test "${title}"`]
  if (!clauses.has(title)) return [`the conformance suite has no clause ${title}`]
  const suite = title.startsWith('SINK') ? 'sinkConformance(' : 'sourceConformance('
  return text.includes(suite) ? [] : [`${test} does not run the suite of ${title}`]
}

async function read(root: string, path: string): Promise<string | undefined> {
  try {
    return await readFile(join(root, path), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return undefined
  }
}
