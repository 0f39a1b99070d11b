export { type Chain, compileTransforms, type TransformConfig } from './chain.ts'
export type { Subject } from './subject.ts'
