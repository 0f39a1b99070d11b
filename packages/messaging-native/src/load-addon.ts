import { createRequire } from 'node:module'
import { isMainThread } from 'node:worker_threads'
import { ConfigError } from '@pulsar-io/sdk'
import type { Addon } from './addon.ts'

const PACKAGE = 'pulsar-client'

/**
 * The `pulsar-client` module with its binary.
 *
 * @throws ConfigError `PIO_NATIVE_BINDING` where the package or its binary is not there, or does not load on this
 *   platform; `PIO_NATIVE_THREAD` in a worker thread: the addon keeps the classes of the thread that loaded it last for
 *   the whole process, so a second thread would crash it.
 */
export function loadAddon(load: () => unknown = loadPackage, mainThread: boolean = isMainThread): Addon {
  if (!mainThread) {
    throw problem(
      'PIO_NATIVE_THREAD',
      `the native driver works in the main thread of a process only (${PACKAGE} keeps what belongs to a thread for the whole process); run instances as processes: --isolation process`,
    )
  }
  let addon: unknown
  try {
    addon = load()
  } catch (error) {
    throw problem('PIO_NATIVE_BINDING', `${reasonOf(error)}; ${CURE}`, error)
  }
  if (!isAddon(addon)) {
    throw problem('PIO_NATIVE_BINDING', `the ${PACKAGE} module that was found is not the client of Pulsar; ${CURE}`)
  }
  return addon
}

const CURE = `get it with \`npm install ${PACKAGE}\` where the runtime is installed, and let its install script run, which downloads the binary (\`npm rebuild ${PACKAGE}\`; with pnpm, \`pnpm approve-builds\` first). There are binaries for Linux (glibc and musl, x64 and arm64), macOS and Windows x64. Or leave --messaging native out: the pulsar driver needs no native code`

function loadPackage(): unknown {
  return createRequire(import.meta.url)(PACKAGE)
}

function reasonOf(error: unknown): string {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
  const first = String(message ?? error).split('\n')[0] ?? ''
  if (code === 'MODULE_NOT_FOUND' && first.includes(`'${PACKAGE}'`)) return `the ${PACKAGE} package is not installed`
  if (code === 'MODULE_NOT_FOUND') return `the ${PACKAGE} package is installed without its binary (${first})`
  return `the binary of ${PACKAGE} does not load on ${process.platform} ${process.arch} (${first})`
}

function isAddon(value: unknown): value is Addon {
  const { Client, MessageId } = (value ?? {}) as Partial<Addon>
  return typeof Client === 'function' && typeof MessageId?.deserialize === 'function'
}

function problem(code: string, message: string, cause?: unknown): ConfigError {
  return new ConfigError([{ path: '--messaging', message }], { code, cause })
}
