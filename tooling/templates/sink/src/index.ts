import { defineSink } from '@pulsar-io/sdk'
import { options } from './options.ts'
import { MySystemSink } from './sink.ts'

export default defineSink({
  name: 'my-system',
  summary: 'Writes records into My system.',
  config: options,
  // A record that comes again leaves one entry: EFFECTIVELY_ONCE may rely on it.
  delivery: 'idempotent',
  batch: { maxRecords: 500, maxInFlight: 2 },
  create: () => new MySystemSink(),
})
