import { describe, expect, it } from 'vitest'
import { adminUrls, parseServiceUrl } from '../../src/connection/service-url.ts'

describe('a service URL', () => {
  it.each([
    ['pulsar://localhost', { scheme: 'pulsar', secure: false, http: false, hosts: ['localhost:6650'] }],
    ['pulsar+ssl://b.example', { scheme: 'pulsar+ssl', secure: true, http: false, hosts: ['b.example:6651'] }],
    [
      'pulsar://a:1, b ,[::1]:3/',
      { scheme: 'pulsar', secure: false, http: false, hosts: ['a:1', 'b:6650', '[::1]:3'] },
    ],
    ['http://a:8080,b:8080', { scheme: 'http', secure: false, http: true, hosts: ['a:8080', 'b:8080'] }],
    ['https://a/', { scheme: 'https', secure: true, http: true, hosts: ['a:443'] }],
    ['PULSAR://a', { scheme: 'pulsar', secure: false, http: false, hosts: ['a:6650'] }],
  ])('%s is read', (text, expected) => {
    expect(parseServiceUrl(text)).toEqual(expected)
  })

  it.each([
    ['localhost:6650', 'it has no scheme; write pulsar://'],
    ['kafka://a:9092', 'kafka:// is not a scheme of Pulsar; there are pulsar://, pulsar+ssl://'],
    ['pulsar://', 'a host is missing'],
    ['pulsar://a:0', '"0" is not a port'],
    ['pulsar://a:65536', '"65536" is not a port'],
    ['pulsar://a:', '"" is not a port'],
    ['pulsar://a/public/default', 'remove "/public/default"'],
    ['pulsar://::1:6650', 'an IPv6 address goes in brackets'],
  ])('%s is refused', (text, why) => {
    expect(() => parseServiceUrl(text)).toThrow(expect.objectContaining({ code: 'PIO_PULSAR_URL' }))
    expect(() => parseServiceUrl(text)).toThrow(why)
  })

  it('is refused with everything that is wrong, without the password', () => {
    let message = ''
    try {
      parseServiceUrl('pulsar://me:hush@a:x,:1/t')
    } catch (error) {
      message = (error as Error).message
    }
    expect(message.split('\n')).toHaveLength(4)
    expect(message).toContain('user and password do not belong into it')
    expect(message).not.toContain('hush')
  })
})

describe('the admin interface', () => {
  it.each([
    ['pulsar://a:6650,[::1]:6651', ['http://a:8080', 'http://[::1]:8080']],
    ['pulsar+ssl://a:6651', ['https://a:8443']],
    ['http://a:81', ['http://a:81']],
    ['https://a', ['https://a:443']],
  ])('of %s', (text, expected) => {
    expect(adminUrls(parseServiceUrl(text))).toEqual(expected)
  })
})
