import { describe, expect, it } from 'vitest'
import netty from '../src/index.ts'

const problems = (config: unknown) => {
  const result = netty.parse(config)
  return result.ok ? [] : result.problems.map(({ path, message }) => `${path}: ${message}`)
}

describe('options', () => {
  it('takes the configuration of Pulsar’s documentation', () => {
    const result = netty.parse({ type: 'tcp', host: '127.0.0.1', port: '10911', numberOfThreads: '1' })
    expect(result).toMatchObject({
      ok: true,
      config: { type: 'tcp', port: 10911, numberOfThreads: 1, framing: 'lines' },
    })
  })

  it('has Pulsar’s defaults', () => {
    expect(netty.parse({})).toMatchObject({
      ok: true,
      config: { type: 'tcp', host: '127.0.0.1', port: 10999, numberOfThreads: 1 },
    })
  })

  it.each(['TCP', 'Udp', 'http'])('takes the type in any case: %s', type => {
    expect(netty.parse({ type })).toMatchObject({ ok: true, config: { type: type.toLowerCase() } })
  })

  it('lists everything that is wrong at once', () => {
    expect(problems({ type: 'htp', prot: 1, port: 70000, lengthBytes: 3, maxFrameBytes: 'much' })).toEqual([
      'prot: not an option; did you mean port?',
      'type: must be one of tcp, udp, http, got "htp"; did you mean http?',
      'port: must be at most 65535, got 70000',
      'maxFrameBytes: must be a size such as 64KiB or 5MiB, got "much"',
      'lengthBytes: must be 1, 2 or 4, got 3',
    ])
  })

  it.each([
    [{ type: 'tcp', token: 't0ken' }, /^token: tcp has no place for a token; use type http/],
    [{ type: 'udp', token: 't0ken' }, /^token: udp has no place/],
    [{ type: 'udp', tls: { enabled: true, certFile: 'a', keyFile: 'b' } }, /^tls.enabled: udp has no TLS/],
    [{ tls: { enabled: true, keyFile: 'b' } }, /^tls.certFile: required with tls.enabled/],
    [{ tls: { enabled: true, certFile: 'a' } }, /^tls.keyFile: required with tls.enabled/],
    [{ tls: { enabled: true, certFile: 'a', keyFile: 'b', requireClientCert: true } }, /^tls.caFile: required/],
    [{ tls: { enabled: true, certFile: 'a', keyFile: 'b', caFile: 'c' } }, /^tls.caFile: has an effect only/],
    [{ tls: { certFile: 'a' } }, /^tls.enabled: must be true/],
    [{ keyHeader: 'not a header' }, /^keyHeader: not a header is not a header name/],
    [{ propertyHeaders: ['ok', 'not:ok'] }, /^propertyHeaders: "not:ok" is not a header name/],
    [{ path: 'in' }, /^path: must start with \//],
    [{ host: '' }, /^host: must not be empty/],
  ])('refuses %j', (config, message) => {
    expect(problems(config)).toEqual([expect.stringMatching(message)])
    expect(problems(config).join()).not.toContain('t0ken')
  })

  it('describes every option', () => {
    const undescribed = Object.entries(netty.jsonSchema().properties as { [name: string]: { description?: string } })
      .filter(([, option]) => !option.description)
      .map(([name]) => name)
    expect(undescribed).toEqual([])
    expect(netty.jsonSchema()).toMatchObject({
      properties: {
        type: { type: 'string', enum: ['tcp', 'udp', 'http'], default: 'tcp' },
        token: { writeOnly: true },
      },
    })
  })

  it.each([
    ['bytes', 'BYTES'],
    ['string', 'STRING'],
    ['json', 'JSON'],
  ])('gives the topic the schema of %s', (schemaType, type) => {
    const result = netty.parse({ schemaType })
    expect(result.ok && netty.schema(result.config)).toEqual({ type })
  })
})
