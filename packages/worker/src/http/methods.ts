import type { FastifyInstance } from 'fastify'

/** Tells the methods that a path has, sorted; none for a path that is not there. */
export type MethodsOf = (path: string) => readonly string[]

/** Notes each route that is added from now on. */
export function methodsByPath(app: FastifyInstance): MethodsOf {
  const routes: { readonly parts: readonly string[]; readonly method: string | string[] }[] = []
  app.addHook('onRoute', ({ url, method }) => {
    routes.push({ parts: url.split('/'), method })
  })
  return path => {
    const given = path.split('/')
    const found = routes.filter(({ parts }) => fits(parts, given)).flatMap(({ method }) => method)
    return [...new Set(found)].toSorted()
  }
}

/** Whether `/a/b` is one of `/a/:name`. */
function fits(parts: readonly string[], given: readonly string[]): boolean {
  if (parts.length !== given.length) return false
  return parts.every((part, i) => (part.startsWith(':') ? given[i] !== '' : part === given[i]))
}
