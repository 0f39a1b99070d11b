import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messagingConformance } from '@pulsar-io/messaging/conformance'
import { afterAll } from 'vitest'
import { EMBEDDED_CAPABILITIES, openEmbedded } from '../src/index.ts'

const directory = mkdtempSync(join(tmpdir(), 'pio-embedded-'))

messagingConformance('embedded', {
  makeClient: () => openEmbedded({ directory }),
  capabilities: EMBEDDED_CAPABILITIES,
})

afterAll(() => rmSync(directory, { recursive: true, force: true }))
