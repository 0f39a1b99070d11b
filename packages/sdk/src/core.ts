// What code that runs connectors shares with them. It stays without the library for schemas of options, which an instance
// would otherwise hold in memory for nothing: a bundler follows the imports of a whole file.
export { API_LEVEL } from './api-level.ts'
export { closest } from './closest.ts'
export * from './errors.ts'
export { parseJson, stringifyJson } from './json.ts'
export { comparePositions, formatPosition, type Position, parsePosition } from './position.ts'
