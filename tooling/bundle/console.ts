import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { build } from 'vite'
import { thirdPartyLicenses } from '../pack/licenses.ts'

/** Builds the console of the worker into `outDir`: its page, its files with checksums in their names, and the licences. */
export async function buildConsole(outDir: string): Promise<void> {
  const root = resolve(import.meta.dirname, '../../packages/worker/console')
  const modules = new Set<string>()
  // Vite and React go by it; a test has another one.
  const environment = process.env.NODE_ENV
  process.env.NODE_ENV = 'production'
  await build({
    root,
    configFile: false,
    // Found below any path that a proxy puts the worker at.
    base: './',
    logLevel: 'warn',
    build: {
      outDir,
      emptyOutDir: true,
      // Its content security policy has no `data:`.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
    plugins: [
      {
        name: 'modules',
        generateBundle(_, output) {
          for (const file of Object.values(output)) {
            if (file.type === 'chunk') for (const id of file.moduleIds) modules.add(id.replace(/[\0?].*$/, ''))
          }
        },
      },
    ],
  }).finally(() => {
    if (environment === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = environment
  })
  const files = [...modules].filter(id => id !== '').sort()
  await writeFile(join(outDir, 'THIRD-PARTY-LICENSES.txt'), await thirdPartyLicenses(files, ''))
}
