import { isConnectorError } from '@pulsar-io/sdk'
import { describe, expect, it } from 'vitest'
import { datacenterProblem } from '../src/datacenter.ts'
import sink from '../src/index.ts'
import { contactPoints } from '../src/roots.ts'
import type { RawConfig } from './support.ts'

const base = { roots: 'localhost', keyspace: 'ks', columnFamily: 't' }

function problems(raw: RawConfig): readonly string[] {
  const result = sink.parse({ ...base, ...raw })
  return result.ok ? [] : result.problems.map(({ path, message }) => `${path}: ${message}`)
}

describe('a configuration', () => {
  it('of Pulsar’s own sink is taken as it is, numbers as texts included', () => {
    const pulsar = { roots: 'localhost:9042', keyname: 'key', columnName: 'col', userName: 'u', password: 'p' }
    expect(problems({ ...pulsar, ttlSeconds: '60', consistency: 'local_one' })).toEqual([])
  })

  it('needs a place', () => {
    const result = sink.parse({})
    expect(result.ok ? [] : result.problems.map(({ path }) => path)).toEqual(['roots', 'keyspace', 'columnFamily'])
  })

  it.each([
    [{ roots: ' , ' }, 'roots: must name a node, such as localhost:9042'],
    [{ roots: 'a:b' }, 'roots: a:b is no address'],
    [{ roots: 'cassandra://jo:secret@host' }, 'roots: cassandra://***@host must be a host'],
    [{ keyspace: 'a-b' }, 'keyspace: must be 1 to 48 letters, digits and underscores, got "a-b"'],
    [{ keyname: 'k' }, 'columnName: required because keyname is set'],
    [{ columnName: 'c' }, 'keyname: required because columnName is set'],
    [{ keyname: 'k', columnName: 'k' }, 'columnName: must be another column than keyname'],
    [{ keyname: 'k', columnName: 'c', mapping: { a: 'b' } }, 'mapping: has no effect with keyname and columnName'],
    [{ password: 'p' }, 'userName: required because password is set'],
    [{ createTableIfNeeded: true }, 'tableDefinition: required with createTableIfNeeded'],
    [{ tableDefinition: 'id int' }, 'tableDefinition: has an effect only with createTableIfNeeded: true'],
    [{ consistency: 'MOST' }, 'consistency: must be one of ANY, ONE'],
    [{ ttlSeconds: -1 }, 'ttlSeconds: must be at least 0, got -1'],
    [{ tls: { enabled: true, certFile: 'c' } }, 'tls.keyFile: required because tls.certFile is set'],
    [{ tls: { caFile: 'c' } }, 'tls.enabled: must be true for the other tls options to have an effect'],
    [{ keyName: 'k' }, 'keyName: not an option; did you mean keyname?'],
  ])('%o is wrong', (raw, said) => {
    expect(problems(raw)).toEqual(expect.arrayContaining([expect.stringContaining(said)]))
    expect(problems(raw).join()).not.toContain('secret')
  })

  it('names nodes with and without ports, by name and by either kind of address', () => {
    expect(contactPoints('a, b.example:19042,10.0.0.1:1,::1,[fe80::1]:9043')).toEqual([
      'a:9042',
      'b.example:19042',
      '10.0.0.1:1',
      '[::1]:9042',
      '[fe80::1]:9043',
    ])
  })

  it('has to choose a datacenter only where there are several', () => {
    expect(datacenterProblem('', ['dc1'])).toBe('')
    expect(datacenterProblem('dc2', ['dc1', 'dc2'])).toBe('')
    expect(datacenterProblem('', ['dc1', 'dc2'])).toBe(
      'required: the cluster has several datacenters, choose the nearest of dc1, dc2',
    )
    expect(datacenterProblem('dc3', ['dc1', 'dc2'])).toBe('there is no datacenter dc3; the cluster has dc1, dc2')
  })

  it('does not make anything connect', () => {
    expect(() => sink.create()).not.toThrow(isConnectorError)
  })
})
