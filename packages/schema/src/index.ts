export type { Codec } from './codec.ts'
export { codecFor } from './codecs.ts'
