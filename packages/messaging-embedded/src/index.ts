export { EMBEDDED_CAPABILITIES } from './client.ts'
export { type EmbeddedOptions, openEmbedded } from './open.ts'
