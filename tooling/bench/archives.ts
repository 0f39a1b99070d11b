import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { spread } from './stats.ts'
import type { Bench } from './types.ts'

const LIMITS_KB = { cassandra: 500, elasticsearch: 500, file: 200, kafka: 500, netty: 200, timescaledb: 500 }

/** Sizes of the packed archives. */
export const archives: Bench = async ({ root }) =>
  Promise.all(
    Object.entries(LIMITS_KB).map(async ([name, limit]) => {
      const size = (await stat(join(root, 'connectors', `${name}.tgz`))).size / 1000
      return {
        name: `connectors/${name}.tgz`,
        unit: 'KB',
        value: spread([size]),
        goal: `≤ ${limit} KB`,
        reached: size <= limit,
      }
    }),
  )
