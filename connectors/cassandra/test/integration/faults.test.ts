import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type TcpProxy, tcpProxy } from '@pulsar-io/testkit'
import { service } from '@pulsar-io/tooling/services'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { numberedLines, random, tally } from '../../../../test/support/records.ts'
import { type Workspace, workspace } from '../../../../test/support/workspace.ts'
import { Server, type Table } from '../server.ts'

const RECORDS = 10_000
const KILLS = 4
/** A failure prints it; `GUARANTEE_SEED` repeats it. */
const SEED = Number(process.env.GUARANTEE_SEED ?? randomInt(2 ** 31))
const COLUMNS = 'n int PRIMARY KEY, text text'
const intact = { lost: [], duplicated: [], reordered: [], alien: [] }

const shared = await service('cassandra')
const own = await service('cassandra', { dedicated: true })
afterAll(async () => {
  if (own.available) await own.close()
})

const args = (table: Table, more: object = {}, guarantee = 'EFFECTIVELY_ONCE') => [
  ...['--archive', 'connectors/cassandra.tgz', '--name', 'rows', '--inputs', 'events', '--subs-name', 'sub'],
  ...['--subs-position', 'Earliest', '--processing-guarantees', guarantee, '--exit-when-idle', '1s'],
  ...['--sink-config', JSON.stringify({ ...table.config, batchSize: 500, ...more })],
]

async function rows(server: Server, { full }: Table): Promise<readonly unknown[]> {
  const found = (await server.query(`SELECT n, text FROM ${full}`)) as { readonly n: number }[]
  return found.sort((a, b) => a.n - b.n)
}

describe.skipIf(!own.available)('a server that goes away half-way', { timeout: 180_000 }, () => {
  if (!own.available) return
  let server: Server
  beforeAll(async () => {
    server = await Server.use(own)
  })
  afterAll(() => server.leave())

  it.each([
    ['is killed', () => own.kill()],
    ['is stopped in good order', () => own.stop()],
  ])('because it %s, and comes back: the sink waits, says so, and every row is there once', async (_, end) => {
    const table = await server.table(COLUMNS)
    const user = await workspace()
    await user.produce('events', numberedLines(RECORDS))
    const run = user.start(args(table))
    await run.while(async () => (await server.count(table)) > RECORDS / 4, { pollMs: 20, what: 'a quarter' })
    await end()
    const lost = await run.logged(/connection lost/, { withinMs: 60_000 })
    expect(lost).toMatchObject({ level: 'warn', reason: expect.stringContaining(server.roots) })
    await own.start()
    const ended = await run.end(120_000)
    expect(ended, ended.stderr).toMatchObject({ code: 0, summary: { deadLettered: 0 } })
    expect(tally(await rows(server, table), RECORDS)).toEqual(intact)
  })
})

describe.skipIf(!shared.available)('the command', { timeout: 180_000 }, () => {
  if (!shared.available) return
  let server: Server
  let proxy: TcpProxy
  beforeAll(async () => {
    server = await Server.use(shared)
    proxy = await tcpProxy(server.roots)
  })
  afterAll(async () => {
    await proxy.close()
    await server.close()
  })
  const throughProxy = () => ({ roots: `${proxy.host}:${proxy.port}` })

  it('loses nothing where connections are cut in the middle of requests', async () => {
    const table = await server.table(COLUMNS)
    const user = await workspace()
    await user.produce('events', numberedLines(RECORDS))
    const before = proxy.cuts
    proxy.cutAfterBytes = 200_000
    const run = user.start(args(table, throughProxy()))
    await run.while(() => proxy.cuts >= before + 3, { what: 'three cuts', pollMs: 5 })
    await proxy.restore()
    const end = await run.end()
    expect(end, end.stderr).toMatchObject({ code: 0, summary: { deadLettered: 0 } })
    expect(tally(await rows(server, table), RECORDS)).toEqual(intact)
  })

  it('waits for a slow server, and notices one that keeps silent', async () => {
    const table = await server.table(COLUMNS)
    const user = await workspace()
    await user.produce('events', numberedLines(RECORDS))
    proxy.latencyMs = 50
    const run = user.start(args(table, { ...throughProxy(), requestTimeoutInMs: '2s', connectTimeoutInMs: 1000 }))
    await run.while(async () => (await server.count(table)) > RECORDS / 10, { pollMs: 20, what: 'a tenth' })
    proxy.silent = true
    const lost = await run.logged(/connection lost/)
    expect(String(lost.reason)).toMatch(/in time|no node of datacenter/)
    await proxy.restore()
    const end = await run.end(120_000)
    expect(end, end.stderr).toMatchObject({ code: 0, summary: { deadLettered: 0 } })
    expect(tally(await rows(server, table), RECORDS)).toEqual(intact)
  })

  it(`killed with -9 again and again loses nothing, and no old record beats a newer one (seed ${SEED})`, async () => {
    // Each row is written by several records, so that a replay would show.
    const table = await server.table('k int PRIMARY KEY, n int')
    const keys = 500
    const user = await workspace()
    const lines = Array.from({ length: RECORDS }, (_, n) => JSON.stringify({ k: n % keys, n }))
    await user.produce('events', lines)
    const seen = new Map<number, number>()
    const look = async () => {
      for (const { k, n } of (await server.query(`SELECT k, n FROM ${table.full}`)) as { k: number; n: number }[]) {
        expect(n % keys).toBe(k)
        expect(n, `row ${k} went back`).toBeGreaterThanOrEqual(seen.get(k) ?? -1)
        seen.set(k, n)
      }
      return Math.max(0, ...seen.values())
    }
    const next = random(SEED)
    const runs = args(table, { batchSize: 200 })
    for (let kill = 0; kill < KILLS; kill++) {
      const run = user.start(runs)
      const goal = ((kill + next()) / KILLS) * RECORDS
      await run.while(async () => run.over || (await look()) >= goal, { pollMs: 3, what: `record ${goal}` })
      await sleep(next() * 15)
      run.kill('SIGKILL')
      await run.end()
    }
    const run = user.start(runs)
    await run.while(async () => run.over || (await look()) < 0, { pollMs: 5, what: 'the end' })
    const end = await run.end()
    expect(end, end.stderr).toMatchObject({ code: 0, summary: { deadLettered: 0 } })
    await look()
    expect([...seen.values()].sort((a, b) => a - b)).toEqual(Array.from({ length: keys }, (_, k) => RECORDS - keys + k))
  })

  // Where it was not started by these tests, a server takes larger rows than the log takes records.
  it.skipIf(shared.origin !== 'local').each(['ATLEAST_ONCE', 'EFFECTIVELY_ONCE'])(
    'writes the good records and dead-letters the bad, with Cassandra’s words where it has some (%s)',
    async guarantee => {
      const table = await server.table(COLUMNS)
      const user = await workspace()
      // Half a commit log segment is the most; a line of `topics produce` may have 5 MiB.
      const large = JSON.stringify({ n: 2000, text: 'x'.repeat(4_500_000) })
      const lines = numberedLines(3000).map((line, n) => {
        if (n === 2000) return large
        return n % 1000 === 500 ? JSON.stringify({ n: `number ${n}` }) : line
      })
      await user.produce('events', lines, ['--property', 'origin=test'])
      const end = await user.run(args(table, {}, guarantee))
      expect(end, end.stderr).toMatchObject({
        code: 0,
        summary: { recordsIn: 3000, recordsOut: 2996, deadLettered: 4 },
      })
      expect(await server.count(table)).toBe(2996)
      expect(await letters(user)).toEqual([
        ['PIO_CASSANDRA_FIELDS', expect.stringContaining('int takes whole numbers, got "number 500"')],
        ['PIO_CASSANDRA_FIELDS', expect.stringContaining('got "number 1500"')],
        ['PIO_CASSANDRA_FIELDS', expect.stringContaining('got "number 2500"')],
        ['PIO_CASSANDRA_TOO_LARGE', expect.stringContaining('oversized mutation')],
      ])
    },
  )

  it('ends with everything that is wrong, and no secret', async () => {
    const table = await server.table('id int PRIMARY KEY')
    const user = await workspace()
    const wrong = { roots: 'host:99999', keyname: 'k', userName: 'jo', tls: { certFile: 'x' }, consistncy: 'ONE' }
    const refused = await user.run(args(table, wrong))
    expect(refused.code).toBe(2)
    for (const said of [
      /consistncy: not an option; did you mean consistency\?/,
      /roots: host:99999 is no address/,
      /columnName: required because keyname is set/,
      /password: required because userName is set/,
      /tls\.keyFile: required because tls\.certFile is set/,
      /tls\.enabled: must be true for the other tls options/,
    ])
      expect(refused.said).toMatch(said)
    const away = await user.run(args(table, { roots: '127.0.0.1:1', userName: 'jo', password: 'n0t-to-be-seen' }))
    expect(away.code).toBe(4)
    expect(away.said).toMatch(/cannot reach 127\.0\.0\.1:1: .*is the server running/)
    expect(away.stderr).not.toContain('n0t-to-be-seen')
  })
})

/** Code and reason of each dead letter. */
async function letters(user: Workspace): Promise<(readonly [code: string | undefined, reason: string | undefined])[]> {
  const found = await user.consume('events-sub-DLQ')
  for (const { properties } of found) expect(properties.origin).toBe('test')
  return found
    .map(({ properties }) => [properties['pulsar-io-code'], properties['pulsar-io-reason']] as const)
    .sort(([a = ''], [b = '']) => (a < b ? -1 : a > b ? 1 : 0))
}
