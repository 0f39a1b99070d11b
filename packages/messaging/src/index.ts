export type * from './client.ts'
export type { Message, OutgoingMessage } from './message.ts'
export { randomId } from './random-id.ts'
export * from './topic-name.ts'
