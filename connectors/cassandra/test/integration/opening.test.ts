import { service } from '@pulsar-io/tooling/services'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Server } from '../server.ts'
import { codes, failure, openSink, recordsOf } from '../support.ts'

const cassandra = await service('cassandra')

describe.skipIf(!cassandra.available)('opening', () => {
  let server: Server
  beforeAll(async () => {
    if (cassandra.available) server = await Server.use(cassandra)
  })
  afterAll(() => server?.close())
  const base = () => ({ roots: server.roots, keyspace: server.keyspace, columnFamily: 'users' })

  it('names the address that does not answer, and takes the next one', async () => {
    const table = await server.table('id int PRIMARY KEY')
    const error = await failure(openSink({ ...table.config, roots: '127.0.0.1:1,[::1]:1' }))
    expect(error).toMatchObject({ code: 'PIO_CASSANDRA_UNREACHABLE', retry: 'reconnect' })
    expect(error.message).toContain('127.0.0.1:1')
    expect(error.message).toContain('is the server running, and the port right?')
    expect(await failure(openSink({ ...table.config, roots: 'no-such-host.invalid' }))).toMatchObject({
      code: 'PIO_CASSANDRA_UNREACHABLE',
      message: expect.stringContaining('the host name is not known'),
    })
    await using sink = await openSink({ ...table.config, roots: `127.0.0.1:1, ${server.roots}` })
    expect(codes(await sink.write(recordsOf([{ id: 1 }])))).toEqual([undefined])
  })

  it('lists the datacenters where the chosen one is not there, and finds the only one by itself', async () => {
    const table = await server.table('id int PRIMARY KEY')
    expect(await failure(openSink({ ...table.config, localDatacenter: 'dc9' }))).toMatchObject({
      code: 'PIO_CASSANDRA_DATACENTER',
      problems: [{ path: 'localDatacenter', message: 'there is no datacenter dc9; the cluster has datacenter1' }],
    })
    await using sink = await openSink(table.config)
    expect(sink.context.logger.entries.at(-1)?.message).toMatch(
      /^connected to Cassandra \d+\.\d+.*, datacenter datacenter1, 1 node$/,
    )
  })

  it('names a missing keyspace or table, with the one that was probably meant', async () => {
    const table = await server.table('id int PRIMARY KEY', 'customers')
    expect(await failure(openSink({ ...base(), keyspace: `${server.keyspace}x` }))).toMatchObject({
      code: 'PIO_CASSANDRA_NO_TABLE',
      retry: 'block',
      message: `there is no keyspace ${server.keyspace}x; did you mean ${server.keyspace}? Otherwise create it, or set createKeyspaceIfNeeded`,
    })
    expect(await failure(openSink({ ...base(), columnFamily: 'custmers' }))).toMatchObject({
      code: 'PIO_CASSANDRA_NO_TABLE',
      message: `there is no table ${server.keyspace}.custmers; did you mean ${table.name}? Otherwise create it, or set createTableIfNeeded`,
    })
  })

  it('creates keyspace and table where it is asked to, once', async () => {
    const keyspace = `${server.keyspace}_new`
    const config = {
      ...base(),
      keyspace,
      keyname: 'id',
      columnName: 'value',
      createKeyspaceIfNeeded: true,
      createTableIfNeeded: 'true',
    }
    for (let i = 0; i < 2; i++) {
      await using sink = await openSink(config)
      expect(codes(await sink.write(recordsOf([`v${i}`], { key: `k${i}` })))).toEqual([undefined])
      expect(sink.context.logger.entries.filter(({ message }) => message.startsWith('created'))).toHaveLength(2 - 2 * i)
    }
    expect(await server.query(`SELECT count(*) AS n FROM ${keyspace}.users`)).toEqual([{ n: 2n }])
    await server.query(`DROP KEYSPACE ${keyspace}`)
    const defined = { ...base(), createTableIfNeeded: true, tableDefinition: 'id int, n int, PRIMARY KEY (id)' }
    await using sink = await openSink(defined)
    expect(codes(await sink.write(recordsOf([{ id: 1, n: 2 }])))).toEqual([undefined])
    for (const [tableDefinition, said] of [
      ['id int PRIMARY', /tableDefinition: .*line 1:/],
      ['id int, n int', /tableDefinition: .*primary key/i],
    ] as const)
      expect(await failure(openSink({ ...defined, columnFamily: 'other', tableDefinition }))).toMatchObject({
        code: 'PIO_CONFIG',
        message: expect.stringMatching(said),
      })
  })

  it('lists every column that does not fit, at once', async () => {
    const table = await server.table('id int, part int, name text, n text, PRIMARY KEY (id, part)')
    const mapped = await failure(openSink({ ...table.config, mapping: { userName: 'nam', age: 'years' } }))
    expect(mapped).toMatchObject({
      code: 'PIO_CASSANDRA_COLUMNS',
      retry: 'stop',
      problems: [
        { path: 'mapping.userName', message: `${table.full} has no column nam; did you mean name?` },
        { path: 'mapping.age', message: `${table.full} has no column years; it has id, part, n, name` },
      ],
    })
    const pair = await failure(openSink({ ...table.config, keyname: 'id', columnName: 'valeu' }))
    expect(pair).toMatchObject({
      problems: [
        { path: 'keyname', message: expect.stringContaining('is (id, part)') },
        { path: 'columnName', message: expect.stringContaining('has no column valeu') },
      ],
    })
  })

  it('finds names that CQL writes in small letters, and those that are quoted', async () => {
    const table = await server.table('"Id" int PRIMARY KEY, Name text', '"Odd Name"'.replace(' ', '_'))
    const name = table.name.replaceAll('"', '')
    await using sink = await openSink({ ...table.config, keyspace: server.keyspace.toUpperCase(), columnFamily: name })
    expect(codes(await sink.write(recordsOf([{ Id: 1, NAME: 'x' }])))).toEqual([undefined])
    expect(await server.query(`SELECT * FROM ${table.full}`)).toEqual([{ Id: 1, name: 'x' }])
  })

  it('follows a table that is dropped and made again, and one that changes', async () => {
    const table = await server.table('id int PRIMARY KEY, a text')
    await using sink = await openSink(table.config)
    expect(codes(await sink.write(recordsOf([{ id: 1, a: 'x' }])))).toEqual([undefined])
    await server.query(`DROP TABLE ${table.full}`)
    const [gone] = await sink.write(recordsOf([{ id: 1, a: 'x' }]))
    expect(gone).toMatchObject({ retry: expect.stringMatching(/reconnect|block/) })
    expect(await failure(openSink(table.config))).toMatchObject({ code: 'PIO_CASSANDRA_NO_TABLE', retry: 'block' })
    await server.query(`CREATE TABLE ${table.full} (id int PRIMARY KEY, a text, b text)`)
    await using again = await openSink(table.config)
    expect(codes(await again.write(recordsOf([{ id: 1, a: 'x', b: 'y' }])))).toEqual([undefined])
  })

  it('says that a consistency cannot be reached, and keeps the record', async () => {
    const table = await server.table('id int PRIMARY KEY')
    await using sink = await openSink({ ...table.config, consistency: 'two' })
    const [outcome] = await sink.write(recordsOf([{ id: 1 }]))
    expect(outcome).toMatchObject({ code: 'PIO_CASSANDRA_BUSY', retry: 'retry' })
    expect(outcome?.message).toMatch(/consistency TWO: .*2 .*required.* 1 alive/i)
    await using each = await openSink({ ...table.config, consistency: 'EACH_QUORUM' })
    expect((await each.write(recordsOf([{ id: 1 }])))[0]?.message ?? 'written').toMatch(/written|EACH_QUORUM/)
  })
})
