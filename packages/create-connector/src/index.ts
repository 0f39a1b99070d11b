export { type CreateOptions, main } from './main.ts'
export { nameProblem } from './name.ts'
export { type Home, projectFiles } from './project.ts'
