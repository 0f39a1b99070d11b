import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { ReplyError } from '../reply-error.ts'

/** Where the built console may be: beside this module's folder, beside the bundled command, and below a source tree. */
const PLACES = ['../console/', './console/', '../../dist/console/']

/** What the console is made of; a file of any other type is not served. */
const TYPES: { readonly [extension: string]: string } = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

const HEADERS = {
  // Nothing from elsewhere, nothing inline, and nobody frames it.
  'content-security-policy':
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

/** The files below `assets/` have a checksum of their content in their names. */
const FOREVER = 'public, max-age=31536000, immutable'

interface ConsoleFile {
  readonly type: string
  readonly body: Buffer
}

/** Path of a request → what it gets. */
type ConsoleFiles = ReadonlyMap<string, ConsoleFile>

/**
 * Serves the console at `/`. Its files are read once; only they have a path, so that no request names a file. They are
 * for everybody: what is worth hiding comes from the other routes, which ask for credentials.
 *
 * @param folder of the built console; default: where the build puts it
 */
export async function addConsole(app: FastifyInstance, folder = builtFolder()): Promise<void> {
  const files = folder === undefined ? new Map<string, ConsoleFile>() : await consoleFiles(folder)
  const options = { config: { access: 'open', early: true }, schema: { hide: true } } as const
  for (const [path, file] of files) app.get(path, options, async (_, reply) => send(reply, path, file))
  if (files.size > 0) return
  app.get('/', options, async () => {
    throw new ReplyError(404, 'this worker was built without its console; `pnpm build` makes it')
  })
}

function send(reply: FastifyReply, path: string, { type, body }: ConsoleFile): FastifyReply {
  const caching = path.startsWith('/assets/') ? FOREVER : 'no-cache'
  return reply.headers({ ...HEADERS, 'content-type': type, 'cache-control': caching }).send(body)
}

function builtFolder(): string | undefined {
  return PLACES.map(place => fileURLToPath(new URL(place, import.meta.url))).find(place =>
    existsSync(join(place, 'index.html')),
  )
}

async function consoleFiles(folder: string): Promise<ConsoleFiles> {
  const files = new Map<string, ConsoleFile>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const type = TYPES[extname(entry.name)]
    if (!entry.isFile() || type === undefined) continue
    const file = join(entry.parentPath, entry.name)
    const path = `/${relative(folder, file).replaceAll('\\', '/')}`
    files.set(path === '/index.html' ? '/' : path, { type, body: await readFile(file) })
  }
  return files
}
