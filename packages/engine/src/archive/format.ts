import { API_LEVEL } from '@pulsar-io/sdk/core'

/** The API levels that this runtime runs. */
export const API_LEVELS = { min: 1, max: API_LEVEL } as const

/** The path of the manifest inside a package. */
export const MANIFEST_FILE = 'pulsar-io.json'
