import { request } from 'node:http'
import { connect } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { probeStarted } from './local-process.ts'
import type { InstanceState } from './state.ts'
import type { ServerDescriptor } from './types.ts'

const PING_MS = 1_000
const READY_MS = 180_000
const POLL_MS = 150
const STOP_SECONDS = 20

/** Whether a container engine answers. Quick: a socket that is not there or does not answer within a second is a no. */
export async function engineAnswers(env: NodeJS.ProcessEnv = process.env): Promise<boolean> {
  const host = env.DOCKER_HOST
  if (host) {
    const url = URL.canParse(host) ? new URL(host) : undefined
    if (url?.protocol === 'unix:') return pingSocket(url.pathname)
    if (url?.protocol === 'tcp:' || url?.protocol === 'http:' || url?.protocol === 'https:') {
      return accepts(url.hostname, Number(url.port || 2375))
    }
    return false
  }
  const candidates = ['/var/run/docker.sock', join(homedir(), '.docker', 'run', 'docker.sock')]
  if (env.XDG_RUNTIME_DIR) candidates.push(join(env.XDG_RUNTIME_DIR, 'docker.sock'))
  const answers = await Promise.all(candidates.map(pingSocket))
  return answers.includes(true)
}

function pingSocket(socketPath: string): Promise<boolean> {
  return new Promise(resolve => {
    const ping = request({ socketPath, path: '/_ping', timeout: PING_MS }, response => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    ping.on('timeout', () => ping.destroy(new Error('no answer')))
    ping.on('error', () => resolve(false))
    ping.end()
  })
}

/** For an engine on the network, which may want TLS, an open port has to do. */
function accepts(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host, port, timeout: PING_MS })
    const done = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.on('connect', () => done(true))
    socket.on('timeout', () => done(false))
    socket.on('error', () => done(false))
  })
}

/** Loaded only where an engine answers: the package is large and reads the engine's settings when it is loaded. */
const testcontainers = () => import('testcontainers')

async function engineContainer(id: string) {
  const { getContainerRuntimeClient } = await testcontainers()
  return (await getContainerRuntimeClient()).container.getById(id)
}

/** Creates and starts a container on the port in `state`; gives its id. Readiness is waited for by `resumeContainer`. */
export async function createContainer(descriptor: ServerDescriptor, state: InstanceState): Promise<string> {
  const spec = descriptor.container
  const [port] = state.ports
  if (!spec || port === undefined) throw new Error(`${descriptor.title} has no container image`)
  const exposed =
    spec.port === 'as outside'
      ? state.ports.map(each => ({ container: each, host: each }))
      : [{ container: spec.port, host: port }]
  const { GenericContainer, Wait } = await testcontainers()
  const generic = new GenericContainer(spec.image)
  if (spec.command) generic.withCommand([...spec.command])
  const container = await generic
    .withExposedPorts(...exposed)
    .withEnvironment(spec.environment(state))
    .withCopyContentToContainer(spec.files?.(state) ?? [])
    .withLabels({ 'io.pulsar.services.instance': state.id, 'io.pulsar.services.port': String(port) })
    .withWaitStrategy(Wait.forListeningPorts())
    .withStartupTimeout(READY_MS)
    // Kept out of the session of this process, whose end would otherwise remove it under the other test files.
    .withReuse()
    .start()
  return container.getId()
}

/** Starts the container if it is stopped and waits until the server is ready; gives its version. */
export async function resumeContainer(descriptor: ServerDescriptor, state: InstanceState, id: string): Promise<string> {
  const container = await engineContainer(id)
  if (!(await container.inspect()).State.Running) await container.start()
  const deadline = Date.now() + READY_MS
  for (;;) {
    try {
      return await probeStarted(descriptor, state)
    } catch (error) {
      const running = (await container.inspect()).State.Running
      if (running && Date.now() < deadline) {
        await sleep(POLL_MS)
        continue
      }
      const log = (await container.logs({ stdout: true, stderr: true, tail: 40 })).toString()
      const what = running ? `was not ready after ${READY_MS / 1000} s` : 'ended before it was ready'
      throw new Error(`${descriptor.title} ${what} (last: ${(error as Error).message}). The end of its log:\n${log}`, {
        cause: error,
      })
    }
  }
}

/** Runs a command in the container and gives what it printed. @throws when it ends with another code than 0. */
export async function execInContainer(id: string, command: readonly string[]): Promise<string> {
  const { getContainerRuntimeClient } = await testcontainers()
  const client = await getContainerRuntimeClient()
  const { output, exitCode } = await client.container.exec(client.container.getById(id), [...command])
  if (exitCode !== 0) throw new Error(`${command.join(' ')} ended with code ${exitCode}:\n${output.trim()}`)
  return output
}

export async function stopContainer(id: string): Promise<void> {
  const container = await engineContainer(id)
  if ((await container.inspect()).State.Running) await container.stop({ t: STOP_SECONDS })
}

export async function killContainer(id: string): Promise<void> {
  const container = await engineContainer(id)
  if ((await container.inspect()).State.Running) await container.kill({ signal: 'SIGKILL' })
}

export async function removeContainer(id: string): Promise<void> {
  const container = await engineContainer(id)
  try {
    await container.remove({ force: true, v: true })
  } catch (error) {
    // 404: somebody removed it by hand, which is what is wanted.
    if ((error as { statusCode?: number }).statusCode !== 404) throw error
  }
}
