export type * from './client.ts'
export type { Message, OutgoingMessage } from './message.ts'
export * from './topic-name.ts'
