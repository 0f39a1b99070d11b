import { errors } from 'cassandra-driver'
import { describe, expect, it } from 'vitest'
import { driverError } from '../src/errors.ts'
import { configOf } from './support.ts'

const place = configOf({ roots: 'node1,node2:9043', userName: 'jo', password: 'secret' })
const answer = (code: number, message: string) => driverError(new errors.ResponseError(code, message), place)

describe('an error of the server', () => {
  it.each([
    [0x1000, 'Cannot achieve consistency level', 'PIO_CASSANDRA_BUSY', 'retry'],
    [0x1001, 'overloaded', 'PIO_CASSANDRA_BUSY', 'retry'],
    [0x1100, 'Operation timed out - received only 1 responses.', 'PIO_CASSANDRA_BUSY', 'retry'],
    [0x1500, 'Operation failed - received 0 responses and 1 failures', 'PIO_CASSANDRA_BUSY', 'retry'],
    [0x0000, 'java.lang.NullPointerException', 'PIO_CASSANDRA_BUSY', 'retry'],
    [0x2100, 'User jo has no MODIFY permission', 'PIO_CASSANDRA_FORBIDDEN', 'block'],
    [0x0100, 'Provided username jo and/or password are incorrect', 'PIO_CASSANDRA_AUTH', 'block'],
    [0x2200, 'unconfigured table t', 'PIO_CASSANDRA_NO_TABLE', 'block'],
    [0x2200, "Keyspace 'ks' does not exist", 'PIO_CASSANDRA_NO_TABLE', 'block'],
    [0x2200, 'Undefined column name b in table ks.t', 'PIO_CASSANDRA_SCHEMA', 'reconnect'],
    [0x2500, 'Prepared query with ID 12 not found', 'PIO_CASSANDRA_SCHEMA', 'reconnect'],
    [0x2000, 'line 1:7 no viable alternative', 'PIO_CASSANDRA_REFUSED', 'block'],
    [0x2200, 'Guardrail user_timestamps violated: not allowed', 'PIO_CASSANDRA_REFUSED', 'block'],
    [0x2200, 'Guardrail replica_disk_usage violated: disk usage exceeds', 'PIO_CASSANDRA_REFUSED', 'block'],
    [0x2200, 'Guardrail column_value_size violated: value is too large', 'PIO_CASSANDRA_TOO_LARGE', 'reject'],
    [0x2200, 'Rejected an oversized mutation (10000055/4194304)', 'PIO_CASSANDRA_TOO_LARGE', 'reject'],
    [0x2200, 'Key may not be empty', 'PIO_CASSANDRA_REJECTED', 'reject'],
  ])('%i %s', (code, message, own, retry) => {
    const error = answer(code, message)
    expect(error).toMatchObject({ code: own, retry })
    expect(error.message).toContain(message)
    expect(error.message).not.toContain('secret')
  })
})

describe('no answer', () => {
  const nested = (inner: { readonly [host: string]: unknown }) =>
    driverError(new errors.NoHostAvailableError(inner as never), place)

  it('names every node and its reason', () => {
    const error = nested({
      '10.0.0.1:9042': new Error('connect ECONNREFUSED 10.0.0.1:9042'),
      '10.0.0.2:9043': new Error('connect EHOSTUNREACH'),
    })
    expect(error).toMatchObject({ code: 'PIO_CASSANDRA_UNREACHABLE', retry: 'reconnect' })
    expect(error.message).toMatch(/10\.0\.0\.1:9042, 10\.0\.0\.2:9043: .*ECONNREFUSED.*EHOSTUNREACH/)
  })

  it('is about credentials where one node says so', () => {
    const refused = new errors.AuthenticationError('Provided username jo and/or password are incorrect')
    const error = nested({ 'a:9042': new Error('connect ECONNREFUSED'), 'b:9042': refused })
    expect(error).toMatchObject({ code: 'PIO_CASSANDRA_AUTH', retry: 'block' })
    expect(error.message).toContain('b:9042 does not accept user "jo"')
  })

  it('is what the nodes answered where all of them did', () => {
    const busy = new errors.ResponseError(0x1001, 'overloaded')
    expect(nested({ 'a:9042': busy, 'b:9042': busy })).toMatchObject({ code: 'PIO_CASSANDRA_BUSY', retry: 'retry' })
    expect(nested({ 'a:9042': busy, 'b:9042': new Error('socket closed') })).toMatchObject({ retry: 'reconnect' })
  })

  it.each([
    ['self signed certificate in certificate chain', 'PIO_CASSANDRA_TLS', /tls\.caFile/],
    ["Hostname/IP does not match certificate's altnames", 'PIO_CASSANDRA_TLS', /tls\.verifyHostname/],
    ['write EPROTO wrong version number', 'PIO_CASSANDRA_TLS', /tls\.enabled/],
    ['getaddrinfo ENOTFOUND node1', 'PIO_CASSANDRA_UNREACHABLE', /DNS/],
    ['Connection timeout', 'PIO_CASSANDRA_TIMEOUT', /connectTimeoutInMs/],
  ])('%s', (message, code, cure) => {
    const error = nested({ 'node1:9042': new Error(message) })
    expect(error).toMatchObject({ code, retry: 'reconnect', message: expect.stringMatching(cure) })
  })

  it('in time means to connect again', () => {
    const late = new errors.OperationTimedOutError('The host did not reply before timeout 12000 ms', '10.0.0.1:9042')
    expect(driverError(late, place)).toMatchObject({ code: 'PIO_CASSANDRA_TIMEOUT', retry: 'reconnect' })
    expect(nested({ 'a:9042': late })).toMatchObject({ code: 'PIO_CASSANDRA_TIMEOUT' })
  })
})
