import { describe, expect, it } from 'vitest'
import {
  AuthError,
  ConfigError,
  ConnectionError,
  ConnectorError,
  isConnectorError,
  RecordError,
  TransientError,
} from '../src/index.ts'

describe('errors', () => {
  it('are recognised by their brand, which another copy of the SDK shares', () => {
    const foreign = Object.assign(new Error('from an archive'), {
      [Symbol.for('pulsar-io.connector-error')]: true,
      code: 'PIO_X',
      retry: 'retry',
    })
    expect(isConnectorError(foreign)).toBe(true)
    expect(isConnectorError(new Error('plain'))).toBe(false)
    expect(isConnectorError(undefined)).toBe(false)
  })

  it.each([
    [new ConfigError([{ path: 'a', message: 'wrong' }]), 'stop', 'PIO_CONFIG', 'ConfigError'],
    [new ConnectionError('away'), 'reconnect', 'PIO_CONNECTION', 'ConnectionError'],
    [new AuthError('refused'), 'block', 'PIO_AUTH', 'AuthError'],
    [new RecordError('poison'), 'reject', 'PIO_RECORD', 'RecordError'],
    [new TransientError('busy', { retryAfterMs: 100 }), 'retry', 'PIO_TRANSIENT', 'TransientError'],
    [new ConnectorError('PIO_MINE', 'retry', 'mine'), 'retry', 'PIO_MINE', 'ConnectorError'],
  ])('%s carry a retry meaning and a code', (error, retry, code, name) => {
    expect(error).toMatchObject({ retry, code, name })
  })

  it('of configuration list all problems in their message', () => {
    const error = new ConfigError([
      { path: 'url', message: 'required' },
      { path: '', message: 'two ways to log in' },
    ])
    expect(error.message).toBe('url: required\ntwo ways to log in')
  })

  it('keep their cause', () => {
    const cause = new Error('socket hang up')
    expect(new ConnectionError('away', { cause }).cause).toBe(cause)
  })
})
