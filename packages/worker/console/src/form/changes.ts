import type { Config } from '../api/types.ts'

/**
 * What an update sends: the fields that differ, and the options, which the worker replaces as a whole.
 * Throws an Error for a field that was emptied: the worker keeps what an update leaves out.
 */
export function changesOf(original: Config, config: Config): Config {
  const emptied = Object.keys(original).filter(name => name !== 'configs' && config[name] === undefined)
  if (emptied.length > 0) {
    throw new Error(
      `${emptied.join(', ')}: an update cannot take it away; give another value, or make the connector anew`,
    )
  }
  const changed = Object.entries(config).filter(
    ([name, value]) => name !== 'configs' && JSON.stringify(value) !== JSON.stringify(original[name]),
  )
  return { ...Object.fromEntries(changed), configs: config.configs ?? {} }
}
