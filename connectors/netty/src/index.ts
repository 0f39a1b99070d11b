import { defineSource } from '@pulsar-io/sdk'
import { options } from './options.ts'
import { NettySource } from './source.ts'
import { schemaOf } from './values.ts'

export default defineSource({
  name: 'netty',
  summary: 'Receives records over TCP, UDP or HTTP and publishes them to a topic.',
  config: options,
  delivery: 'at-least-once',
  style: 'push',
  schema: schemaOf,
  create: () => new NettySource(),
})
