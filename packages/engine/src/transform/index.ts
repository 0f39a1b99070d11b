export { type Chain, compileTransforms, type Passed, type TransformConfig } from './chain.ts'
export type { Subject } from './subject.ts'
