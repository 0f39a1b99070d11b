import { defineSource } from '@pulsar-io/sdk'
import { options } from './options.ts'
import { MySystemSource } from './source.ts'

export default defineSource({
  name: 'my-system',
  summary: 'Reads records from My system.',
  config: options,
  delivery: 'at-least-once',
  schema: { type: 'STRING' },
  create: () => new MySystemSource(),
})
