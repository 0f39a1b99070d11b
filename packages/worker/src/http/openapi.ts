import swagger from '@fastify/swagger'
import type { FastifyContextConfig, FastifyInstance } from 'fastify'
import * as z from 'zod'
import type { AuthOptions } from '../options.ts'

/** How a client may say who it is, in the words of OpenAPI. */
const SCHEMES = { token: { type: 'http', scheme: 'bearer' }, basic: { type: 'http', scheme: 'basic' } } as const

/** Makes the OpenAPI document of the routes that are added from now on; `app.swagger()` is it. */
export async function openApi(app: FastifyInstance, version: string, auth: AuthOptions | undefined): Promise<void> {
  const schemes = (['token', 'basic'] as const).filter(name => auth?.[name] !== undefined)
  const security = schemes.map(name => ({ [name]: [] }))
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Pulsar IO worker', description: "Pulsar's REST API of sinks and sources.", version },
      components: { securitySchemes: Object.fromEntries(schemes.map(name => [name, SCHEMES[name]])) },
    },
    transform: ({ schema, url, route }) => {
      const { access }: FastifyContextConfig = route.config ?? {}
      const secured = access === 'open' || security.length === 0 ? {} : { security }
      return { schema: { ...(jsonSchemas(schema) as typeof schema), ...secured }, url }
    },
  })
}

/** The route schemas are zod's; the document wants JSON Schema. */
function jsonSchemas(value: unknown): unknown {
  if (value instanceof z.ZodType) {
    const { $schema: _, ...schema } = z.toJSONSchema(value, { io: 'input', unrepresentable: 'any' })
    return schema
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, jsonSchemas(part)]))
}
