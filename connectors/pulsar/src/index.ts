export { sink } from './sink.ts'
export { source } from './source.ts'
