/** Pulsar's own RabbitMQ source names its properties so; what this connector adds follows it. */
export const PREFIX = '__rabbitmq_'

/** Says that an empty message stands for a record without a value. */
export const NULL_HEADER = 'pulsar-null-value'

/** Carries the record's key, which AMQP has no place for. */
export const KEY_HEADER = 'pulsar-key'

/** The message properties of AMQP that travel as record properties, by their name there. */
export const MESSAGE_PROPERTIES = {
  content_type: 'contentType',
  content_encoding: 'contentEncoding',
  priority: 'priority',
  correlation_id: 'correlationId',
  reply_to: 'replyTo',
  expiration: 'expiration',
  message_id: 'messageId',
  timestamp: 'timestamp',
  type: 'type',
  app_id: 'appId',
} as const
