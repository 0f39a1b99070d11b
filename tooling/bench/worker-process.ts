import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** A worker as a process of its own, which keeps its things in `home`. */
export class WorkerProcess {
  readonly child: ChildProcess
  /** When it was started, as `performance.now()` counts. */
  readonly began = performance.now()
  readonly #url: Promise<string>
  #said = ''

  constructor(root: string, home: string, more: readonly string[]) {
    const command = [
      ...[join(root, 'packages', 'runtime', 'bin', 'runtime.js'), 'worker', '--port', '0', '--rate-limit', '0'],
      ...['--connectors-dir', join(root, 'connectors'), '--work-dir', join(home, 'work'), '--log-level', 'error'],
      ...more,
    ]
    const child = spawn(process.execPath, command, { cwd: home, stdio: ['ignore', 'pipe', 'pipe'] })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#said = `${this.#said}${text}`.slice(-4000)
    })
    this.#url = once(child.stdout, 'data').then(([line]) => String(line).trim())
    this.child = child
  }

  /** The last of what it logged. */
  get said(): string {
    return this.#said
  }

  /** A call of its interface, the path behind `/admin/v3/`. @throws for any answer but a good one. */
  async call(method: string, path: string, body?: object): Promise<unknown> {
    return adminCall(await this.#url, method, path, body)
  }

  async end(): Promise<void> {
    const exit = once(this.child, 'exit')
    this.child.kill('SIGTERM')
    await exit
  }
}

/** A call of a worker's interface, ours or Pulsar's: JSON, or a form with an archive. */
export async function adminCall(url: string, method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(`${url}/admin/v3/${path}`, {
    method,
    ...(body instanceof FormData ? { body } : {}),
    ...(body === undefined || body instanceof FormData
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}
