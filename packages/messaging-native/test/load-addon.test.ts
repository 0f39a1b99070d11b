import { isConnectorError } from '@pulsar-io/sdk'
import { describe, expect, it } from 'vitest'
import type { Addon } from '../src/addon.ts'
import { loadAddon } from '../src/load-addon.ts'
import { openNative } from '../src/open.ts'
import { realAddon } from './support/real-addon.ts'

const native = realAddon()

/** What loading ends with, where it does not end well. */
function failure(load: () => unknown, mainThread = true): { code: string; retry: string; message: string } {
  try {
    loadAddon(load, mainThread)
  } catch (error) {
    if (isConnectorError(error)) return error
  }
  throw new Error('expected a ConnectorError')
}

function throwing(message: string, code?: string) {
  return () => {
    throw Object.assign(new Error(message), { code })
  }
}

describe('loading the addon', () => {
  it('says that the package is not installed', () => {
    const error = failure(throwing("Cannot find module 'pulsar-client'\nRequire stack:\n- x", 'MODULE_NOT_FOUND'))
    expect(error).toMatchObject({ code: 'PIO_NATIVE_BINDING', retry: 'stop' })
    expect(error.message).toMatch(
      /--messaging: the pulsar-client package is not installed; .*npm install pulsar-client/,
    )
    expect(error.message).not.toContain('Require stack')
  })

  it('says that its binary is missing, and how to get it', () => {
    const error = failure(throwing("Cannot find module '/x/pulsar-client/lib/binding/pulsar.node'", 'MODULE_NOT_FOUND'))
    expect(error.code).toBe('PIO_NATIVE_BINDING')
    expect(error.message).toMatch(/installed without its binary.*npm rebuild pulsar-client.*approve-builds/)
    expect(error.message).toMatch(/leave --messaging native out/)
  })

  it('says that its binary is for another platform', () => {
    const error = failure(throwing('libstdc++.so.6: version `GLIBCXX_3.4.99` not found', 'ERR_DLOPEN_FAILED'))
    expect(error.code).toBe('PIO_NATIVE_BINDING')
    expect(error.message).toContain(`does not load on ${process.platform} ${process.arch} (libstdc++`)
  })

  it('refuses a module that is something else', () => {
    expect(failure(() => ({ Client: class {} })).message).toMatch(/is not the client of Pulsar/)
    expect(failure(() => undefined).code).toBe('PIO_NATIVE_BINDING')
  })

  it('refuses a worker thread before it loads anything', () => {
    const error = failure(throwing('was loaded'), false)
    expect(error).toMatchObject({ code: 'PIO_NATIVE_THREAD', retry: 'stop' })
    expect(error.message).toContain('--isolation process')
  })

  it.skipIf(native.available)('is refused here, where there is no binary, before anything is connected', async () => {
    await expect(openNative({ serviceUrl: 'pulsar://127.0.0.1:1' })).rejects.toMatchObject({
      code: 'PIO_NATIVE_BINDING',
    })
  })

  it('has the calls that the module has', () => {
    // Compiles, or not.
    const of = (addon: typeof import('pulsar-client')): Addon => addon
    expect(of).toBeTypeOf('function')
  })
})
