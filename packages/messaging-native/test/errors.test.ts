import { ConnectionError } from '@pulsar-io/sdk'
import { describe, expect, it } from 'vitest'
import { namedError } from '../src/errors.ts'

const of = (result: string, open = false) =>
  namedError(new Error(`Failed to do it: ${result}`), { action: 'cannot do it', open })

describe('errors of the addon', () => {
  it.each([
    ['ConsumerBusy', 'PIO_CONSUMER_BUSY', 'reconnect'],
    ['ProducerBusy', 'PIO_PRODUCER_BUSY', 'reconnect'],
    ['AuthenticationError', 'PIO_PULSAR_AUTHENTICATION', 'block'],
    ['AuthorizationError', 'PIO_PULSAR_AUTHORIZATION', 'block'],
    ['TimeOut', 'PIO_PULSAR_TIMEOUT', 'reconnect'],
    ['ConnectError', 'PIO_PULSAR_UNREACHABLE', 'reconnect'],
    ['TopicNotFound', 'PIO_NOT_FOUND', 'stop'],
    ['IncompatibleSchema', 'PIO_SCHEMA_INCOMPATIBLE', 'stop'],
    ['MessageTooBig', 'PIO_MESSAGE_TOO_LARGE', 'reject'],
    ['ProducerQueueIsFull', 'PIO_PULSAR_QUEUE_FULL', 'retry'],
    ['AlreadyClosed', 'PIO_CLOSED', 'stop'],
    // Some have the prefix, some have not.
    ['ResultMemoryBufferIsFull', 'PIO_PULSAR_QUEUE_FULL', 'retry'],
    ['ResultNotAllowedError', 'PIO_PULSAR_NOT_ALLOWED', 'stop'],
    ['ResultConsumerAssignError', 'PIO_CONSUMER_BUSY', 'reconnect'],
  ])('%s is %s', (result, code, retry) => {
    const error = of(result)
    expect(error).toMatchObject({ code, retry })
    expect(error.message).toContain(`cannot do it: Failed to do it: ${result}; `)
    expect(error.cause).toBeInstanceOf(Error)
  })

  it('tells a producer that lost its place from one that never had it', () => {
    expect(of('ResultProducerFenced')).toMatchObject({ code: 'PIO_PRODUCER_BUSY', retry: 'reconnect' })
    expect(of('ResultProducerFenced', true)).toMatchObject({ code: 'PIO_PRODUCER_FENCED', retry: 'stop' })
  })

  it('takes what it does not know for a connection that broke', () => {
    expect(of('SomethingNew')).toMatchObject({ code: 'PIO_PULSAR_CONNECTION', retry: 'reconnect' })
    expect(namedError('text', { action: 'a' })).toMatchObject({ code: 'PIO_PULSAR_CONNECTION', message: 'a: text' })
  })

  it('leaves named errors alone', () => {
    const error = new ConnectionError('x')
    expect(namedError(error, { action: 'y' })).toBe(error)
  })
})
