import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/**
 * Resolves workspace packages to their TypeScript source, so that no test can pass on a stale `dist`. Vite and Node add
 * `import` or `require` themselves; named here, `import` would count for `require`, too, and lead it to ES modules.
 */
const source = ['pulsar-io-source', 'node']

export default defineConfig({
  resolve: { conditions: source },
  ssr: { resolve: { conditions: source, externalConditions: source } },
  test: {
    include: [
      'packages/*/test/**/*.test.ts',
      'connectors/*/test/**/*.test.ts',
      'tooling/**/*.test.ts',
      'test/**/*.test.ts',
    ],
    exclude: ['**/node_modules/**', '**/dist/**'],
    pool: 'forks',
    // Most of the time is spent waiting for servers and processes, also where there are no more than two cores.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // Ends the real servers that this run started.
    globalSetup: ['tooling/services/vitest-global-setup.ts'],
    // Worker threads and child processes that a test starts read TypeScript source, too.
    execArgv: ['--conditions=pulsar-io-source'],
    // Generous: servers and processes share the machine, and no test may depend on its speed.
    testTimeout: 60_000,
    hookTimeout: 240_000,
    // A real server on a machine that others use may be late once; a defect fails again. What needed it is reported.
    retry: process.env.CI ? 2 : 0,
  },
})
