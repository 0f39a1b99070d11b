import type { Kind, Schema } from '../api/types.ts'

/** What each connector has besides its own options. */
export const COMMON: { readonly [kind in Kind]: Schema } = {
  sink: {
    properties: {
      inputs: { type: 'array', items: { type: 'string' }, description: 'Topics to read, one in a line' },
      topicsPattern: { type: 'string', description: 'Regular expression over topic names, instead of inputs' },
      sourceSubscriptionName: { type: 'string', description: 'Default: tenant/namespace/name' },
      sourceSubscriptionPosition: {
        type: 'string',
        enum: ['Latest', 'Earliest'],
        default: 'Latest',
        description: 'Where a new subscription begins',
      },
      ...both(),
      maxMessageRetries: { type: 'integer', minimum: 0, description: 'Tries before a record becomes a dead letter' },
      deadLetterTopic: { type: 'string', description: 'Default: <topic>-<subscription>-DLQ' },
    },
  },
  source: {
    properties: { topicName: { type: 'string', minLength: 1, description: 'Topic to write to' }, ...both() },
    required: ['topicName'],
  },
}

/** What cannot change once a connector is there. */
export const FIXED: ReadonlySet<string> = new Set([
  'inputs',
  'topicsPattern',
  'sourceSubscriptionName',
  'sourceSubscriptionPosition',
  'processingGuarantees',
])

function both(): { readonly [name: string]: Schema } {
  return {
    parallelism: { type: 'integer', minimum: 1, maximum: 1024, default: 1, description: 'Instances' },
    processingGuarantees: {
      type: 'string',
      enum: ['ATMOST_ONCE', 'ATLEAST_ONCE', 'EFFECTIVELY_ONCE'],
      default: 'ATLEAST_ONCE',
      description: 'What is promised about each record',
    },
  }
}
