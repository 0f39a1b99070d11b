import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { numberedLines, random, tally } from '../../../../test/support/records.ts'
import { workspace } from '../../../../test/support/workspace.ts'
import { postgresql, Tester } from '../support.ts'

const RECORDS = 20_000
const KILLS = 4
/** A failure prints it; `GUARANTEE_SEED` repeats it. */
const SEED = Number(process.env.GUARANTEE_SEED ?? randomInt(2 ** 31))

describe.skipIf(!postgresql.available)('the command', { timeout: 180_000 }, () => {
  if (!postgresql.available) return
  const db = new Tester(postgresql)
  afterAll(() => db.close())

  const args = (tableName: string, guarantee: string, more: object = {}) => [
    ...['--archive', 'connectors/timescaledb.tgz', '--name', `sink-${tableName}`, '--inputs', 'events'],
    ...['--subs-position', 'Earliest', '--processing-guarantees', guarantee, '--exit-when-idle', '500ms'],
    ...['--sink-config', JSON.stringify({ connection: db.connection, tableName, timeoutMs: 20, ...more })],
  ]

  it(`killed with -9 again and again has each row exactly once (seed ${SEED})`, async () => {
    const tableName = await db.table('n integer, text text')
    const user = await workspace()
    await user.produce('events', numberedLines(RECORDS))
    const next = random(SEED)
    const rows = async () => Number(await db.value(`SELECT count(*) FROM ${tableName}`))
    for (let kill = 0; kill < KILLS; kill++) {
      const run = user.start(args(tableName, 'EFFECTIVELY_ONCE'))
      const goal = ((kill + next()) / KILLS) * RECORDS
      await run.while(async () => run.over || (await rows()) >= goal, { pollMs: 3, what: `${goal} rows` })
      await sleep(next() * 15)
      run.kill('SIGKILL')
      await run.end()
    }
    const end = await user.run(args(tableName, 'EFFECTIVELY_ONCE'))
    expect(end, end.stderr).toMatchObject({ code: 0, summary: { deadLettered: 0 } })
    const found = (await db.rows(`SELECT n, text FROM ${tableName} ORDER BY ctid`)).map(row => ({
      ...row,
      n: Number(row.n),
    }))
    expect(tally(found, RECORDS)).toEqual({ lost: [], duplicated: [], reordered: [], alien: [] })
  })

  it.each(['ATLEAST_ONCE', 'EFFECTIVELY_ONCE'])(
    'writes the good rows and dead-letters the bad (%s)',
    async guarantee => {
      const tableName = await db.table('n integer PRIMARY KEY, text text')
      const user = await workspace()
      const lines = numberedLines(3000).map((line, n) =>
        n % 1000 === 500 ? JSON.stringify({ n: `number ${n}` }) : line,
      )
      await user.produce('events', lines, ['--property', 'origin=test'])
      const end = await user.run([...args(tableName, guarantee), '--subs-name', 'sub'])
      expect(end, end.stderr).toMatchObject({
        code: 0,
        summary: { recordsIn: 3000, recordsOut: 2997, deadLettered: 3 },
      })
      expect(await db.value(`SELECT count(*) FROM ${tableName}`)).toBe('2997')
      const letters = await user.consume('events-sub-DLQ')
      expect(letters.map(({ properties }) => properties)).toEqual(
        [500, 1500, 2500].map(n =>
          expect.objectContaining({
            origin: 'test',
            'pulsar-io-code': 'PIO_PG_REJECTED',
            'pulsar-io-reason': expect.stringContaining(
              `invalid input syntax for type integer: "number ${n}" (SQLSTATE 22P02, column n)`,
            ),
          }),
        ),
      )
    },
  )

  it('ends with everything that is wrong, and no secret', async () => {
    const tableName = await db.table('id integer, v text')
    const user = await workspace()
    const wrongPassword = { ...db.connection, password: 'n0t-the-password' }
    const refused = await user.run(args(tableName, 'ATLEAST_ONCE', { connection: wrongPassword }))
    expect(refused.code).toBe(2)
    expect(refused.said).toMatch(/does not accept user "postgres".*PIO_PG_AUTH/s)
    expect(refused.stderr).not.toContain('n0t-the-password')
    const misspelt = await user.run(args(tableName, 'ATLEAST_ONCE', { insertMode: 'UPSERT', key: 'ide', nonKey: 'w' }))
    expect(misspelt.code).toBe(2)
    expect(misspelt.said).toMatch(/key: "ide" is no column of public\.t_\w+; did you mean id\?/)
    expect(misspelt.said).toMatch(/nonKey: "w" is no column/)
  })
})
