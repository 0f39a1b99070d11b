import type { ServerDescriptor } from '../types.ts'
import { elasticsearch } from './elasticsearch.ts'

/** Every server that `service()` knows, by name. A new one is a file beside this and a line here. */
export const servers = {
  elasticsearch,
} as const satisfies Record<string, ServerDescriptor>

export type ServiceName = keyof typeof servers
