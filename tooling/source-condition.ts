import { registerHooks } from 'node:module'

/**
 * Makes workspace packages resolve to their TypeScript source in this process, as `--conditions=pulsar-io-source` does.
 * Import this first and the rest dynamically; then a tool runs in a fresh clone, before anything is built.
 */
registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier, { ...context, conditions: [...context.conditions, 'pulsar-io-source'] }),
})
