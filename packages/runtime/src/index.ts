export { buildProgram, type Program } from './program.ts'
export { run } from './run.ts'
