import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Worker } from '../src/index.ts'
import { call, Place } from './support.ts'

interface Operation {
  readonly parameters?: readonly { readonly in: string; readonly name: string; readonly required?: boolean }[]
  readonly requestBody?: object
}
interface OpenApi {
  readonly openapi: string
  readonly paths: { readonly [path: string]: { readonly [method: string]: Operation } }
}

let place: Place
let worker: Worker
let document: OpenApi

beforeAll(async () => {
  place = new Place()
  worker = await place.worker()
  await call(worker, 'POST', '/admin/v3/sinks/public/default/s', place.sink())
  document = (await call(worker, 'GET', '/openapi.json')).body as OpenApi
})
afterAll(() => place.close())

describe('the OpenAPI document', () => {
  it('has every route of sinks, sources and workers once', () => {
    expect(document.openapi).toBe('3.1.0')
    const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map(method => `${method} ${path}`),
    )
    const one = '/admin/v3/sinks/{tenant}/{namespace}/{name}'
    expect(routes).toEqual(
      expect.arrayContaining([
        `post ${one}`,
        `put ${one}`,
        `delete ${one}`,
        `get ${one}`,
        `get ${one}/status`,
        `get ${one}/{instanceId}/logs`,
        `post ${one}/{instanceId}/restart`,
        `post ${one}/pause`,
        `post ${one}/{instanceId}/resume`,
        'get /admin/v3/sources/builtinsources/{name}/configdefinition',
        'put /admin/v2/worker/rebalance',
        'get /metrics',
      ]),
    )
    expect(routes.filter(route => route.includes('/admin/v3/sink/'))).toEqual([])
    for (const methods of Object.values(document.paths)) {
      for (const operation of Object.values(methods))
        expect(operation).toMatchObject({ summary: expect.any(String), responses: expect.any(Object) })
    }
  })
})

describe('the OpenAPI document, of a route', () => {
  const operation = (path: string, method: string) => document.paths[path]?.[method] as { [field: string]: object }

  it('that brings a connector, has both kinds of body, and the fields of a configuration', () => {
    const { requestBody } = operation('/admin/v3/sources/{tenant}/{namespace}/{name}', 'post')
    const config = {
      properties: { topicName: { type: 'string' }, archive: { type: 'string' } },
      additionalProperties: false,
    }
    expect(requestBody).toMatchObject({
      content: {
        'application/json': { schema: config },
        'multipart/form-data': { schema: { properties: { sourceConfig: config, data: { format: 'binary' } } } },
      },
    })
  })

  it('tells what /metrics answers', async () => {
    const { headers } = await call(worker, 'GET', '/metrics')
    const type = headers.get('content-type') ?? ''
    expect(operation('/metrics', 'get').responses).toMatchObject({ 200: { content: { [type]: {} } } })
  })

  it('says how to sign in, where somebody has to', async () => {
    expect(operation('/admin/v2/worker/cluster', 'get')).not.toHaveProperty('security')
    const secured = await place.worker({
      messaging: { url: `embedded:${place.path('secured')}` },
      auth: { token: { secretKey: new Uint8Array(32) } },
    })
    const { paths } = (await call(secured, 'GET', '/openapi.json')).body as OpenApi
    expect(paths['/admin/v2/worker/cluster']?.get).toMatchObject({ security: [{ token: [] }] })
    expect(paths['/healthz']?.get).not.toHaveProperty('security')
  })
})

describe('a path that is there', () => {
  it('with another method is a 405 that tells which it has', async () => {
    const answer = await call(worker, 'PATCH', '/admin/v3/sinks/public/default/s')
    expect(answer).toMatchObject({
      status: 405,
      body: { reason: 'there is no PATCH /admin/v3/sinks/public/default/s; there is DELETE, GET, HEAD, POST, PUT' },
    })
    expect(answer.headers.get('allow')).toBe('DELETE, GET, HEAD, POST, PUT')
    expect(await call(worker, 'PATCH', '/admin/v3/sinks/public')).toMatchObject({ status: 404 })
    expect(await call(worker, 'POST', '/healthz/')).toMatchObject({ status: 404 })
  })
})

describe('whatever comes', () => {
  // What is there, what could be, and what should not.
  const word = fc.oneof(
    fc.constantFrom(
      'public',
      'default',
      's',
      '0',
      '1',
      '-1',
      '999999999999999999999',
      '..',
      '%',
      "'",
      '"',
      '*',
      'null',
      '__proto__',
      'constructor',
      'a b',
      '{}',
    ),
    fc.string({ maxLength: 30 }),
    fc.string({ unit: 'binary', maxLength: 10 }),
  )
  const field = fc.constantFrom(
    'inputs',
    'topicsPattern',
    'inputSpecs',
    'configs',
    'secrets',
    'parallelism',
    'resources',
    'archive',
    'sinkType',
    'sourceType',
    'topicName',
    'transforms',
    'processingGuarantees',
    'schemaType',
    'tenant',
    'name',
    '__proto__',
  )
  const body = fc.oneof(
    fc.dictionary(field, fc.oneof(fc.jsonValue(), word, fc.constant('builtin://probe'))),
    fc.jsonValue() as fc.Arbitrary<object>,
  )

  it('never makes the worker fail', async () => {
    const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...routes),
        fc.array(word, { minLength: 4, maxLength: 4 }),
        body,
        fc.boolean(),
        async ({ path, method, operation }, words, given, multipart) => {
          let i = 0
          const filled = path.replace(/\{\w+\}/g, () => encodeURIComponent((words[i++] ?? '').toWellFormed()))
          const query = (operation.parameters ?? [])
            .filter(each => each.in === 'query')
            .map(each => `${each.name}=${encodeURIComponent((words[3] ?? '').toWellFormed())}`)
            .join('&')
          const answer = await call(
            worker,
            method.toUpperCase(),
            query ? `${filled}?${query}` : filled,
            operation.requestBody === undefined ? undefined : bodyOf(given, multipart),
          )
          expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(500)
          if (answer.status >= 400) expect(answer.body).toEqual({ reason: expect.any(String) })
        },
      ),
      { numRuns: 300 },
    )
    expect(await place.uploads()).toEqual([])
    expect((await call(worker, 'GET', '/readyz')).status).toBe(200)
  })
})

function bodyOf(given: unknown, multipart: boolean): FormData | object {
  if (!multipart) return given as object
  const made = new FormData()
  made.append('sinkConfig', JSON.stringify(given))
  made.append('sourceConfig', JSON.stringify(given))
  return made
}
