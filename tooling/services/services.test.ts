import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { engineAnswers } from './container.ts'
import { type Home, servicesHome } from './home.ts'
import { installOnce } from './install/install.ts'
import { acquire, endById, releaseRun, sweep } from './lifecycle.ts'
import { tryLock, withLock } from './lock.ts'
import { isAlive, self } from './process-identity.ts'
import { dedicatedLease, RUN_VARIABLE, runKey, sharedLease } from './run.ts'
import { inContinuousIntegration, parseAddress, resolveDedicated, resolveShared, type Surroundings } from './service.ts'
import { type InstanceState, liveLeases, readState, withLease, writeState } from './state.ts'
import { MissingPrerequisite, type ServerDescriptor } from './types.ts'

let home: Home
let server: Server
let address: string

beforeEach(async () => {
  home = servicesHome({ SERVICES_HOME: await mkdtemp(join(tmpdir(), 'services-test-')) })
  server = createServer((_request, response) => response.end('7.0.0'))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterEach(async () => {
  await new Promise(resolve => server.close(resolve))
  for (const id of await readdir(home.instances).catch(() => [])) await endById(home, id)
  await rm(home.root, { recursive: true, force: true })
})

/** A server that is one Node process: small, and started the way the real ones are. */
const PROGRAM = `
require('node:http').createServer((q, r) => r.end('1.2.3')).listen(Number(process.argv[1]), '127.0.0.1')`

function descriptorOf(changes: Partial<ServerDescriptor['local']> = {}): ServerDescriptor {
  return {
    name: 'sample',
    title: 'Sample 1',
    variable: 'SAMPLE_URL',
    scheme: 'http',
    local: {
      key: 'sample-1',
      portCount: 1,
      install: ({ folder }) => writeFile(join(folder, 'installed'), ''),
      launch: async ({ ports }) => ({ command: process.execPath, args: ['-e', PROGRAM, String(ports[0])] }),
      ...changes,
    },
    probe: async ({ url }, signal) => {
      const response = await fetch(url, { signal })
      return response.text()
    },
  }
}

const missing = descriptorOf({ install: () => Promise.reject(new MissingPrerequisite('Maven (mvn) is missing')) })

const around = (env: NodeJS.ProcessEnv = {}): Surroundings => ({ env, home, engineAnswers: async () => false })

const dead = { pid: process.pid, startTime: 'before' }

const stateOf = (changes: Partial<InstanceState> = {}): InstanceState => ({
  id: 'sample',
  server: 'sample',
  origin: 'local',
  url: 'http://127.0.0.1:1',
  ports: [1],
  ready: true,
  keep: false,
  leases: [],
  ...changes,
})

describe('the admin interface', () => {
  const withAdmin: ServerDescriptor = {
    ...descriptorOf({ portCount: 2 }),
    admin: { variable: 'SAMPLE_ADMIN_URL', scheme: 'http', port: 8080 },
  }

  it('is on the second port of a started server', async () => {
    const state = await acquire(withAdmin, { home, id: 'sample', backend: 'local', keep: true })
    expect(state.ports).toHaveLength(2)
    expect(state.adminUrl).toBe(`http://127.0.0.1:${state.ports[1]}`)
    expect(await resolveShared(withAdmin, around())).toMatchObject({ url: state.url, adminUrl: state.adminUrl })
  })

  it('is taken from the environment, or guessed by the usual port', async () => {
    const named = { SAMPLE_URL: address, SAMPLE_ADMIN_URL: 'http://admin:1/' }
    expect(await resolveShared(withAdmin, around(named))).toMatchObject({ url: address, adminUrl: 'http://admin:1' })
    const guessed = await resolveShared(withAdmin, around({ SAMPLE_URL: address }))
    expect(guessed).toMatchObject({ adminUrl: 'http://127.0.0.1:8080' })
  })
})

describe('the order', () => {
  it('takes the address in the environment first', async () => {
    const found = await resolveShared(descriptorOf(), around({ SAMPLE_URL: `${address}/` }))
    expect(found).toEqual({ available: true, name: 'sample', url: address, version: '7.0.0', origin: 'environment' })
  })

  it('does not replace an address that does not answer by another server, and says so without the password', async () => {
    const url = `http://me:hidden@127.0.0.1:1`
    const found = await resolveShared(descriptorOf(), around({ SAMPLE_URL: url }))
    expect(found).toMatchObject({
      available: false,
      reason: expect.stringContaining('http://127.0.0.1:1 (from SAMPLE_URL)'),
    })
    expect(JSON.stringify(found)).not.toContain('hidden')
  })

  it('goes on to packages when the container engine answers but cannot run the image', async () => {
    const image = {
      image: 'none',
      port: 1,
      environment: () => {
        throw new Error('no such image')
      },
    }
    const found = await resolveShared(
      { ...missing, container: image },
      { ...around(), engineAnswers: async () => true },
    )
    expect(found).toMatchObject({ available: false, reason: expect.stringMatching(/no such image.*mvn/s) })
  })

  it('starts one from packages, and never uses the address in the environment for a dedicated one', async () => {
    const found = await resolveDedicated(descriptorOf(), around({ SAMPLE_URL: address }))
    if (!found.available) throw new Error(found.reason)
    expect(found).toMatchObject({ version: '1.2.3', origin: 'local' })
    expect(found.url).not.toBe(address)
    await found.close()
    await expect(fetch(found.url)).rejects.toThrow()
    expect(await readdir(home.instances)).toEqual([])
    expect((await readdir(home.locks)).filter(name => name.startsWith('sample-'))).toEqual([])
  })

  it('gives every reason when there is none', async () => {
    expect(await resolveShared(missing, around())).toEqual({
      available: false,
      name: 'sample',
      reason:
        'Sample 1: SAMPLE_URL is not set; no container engine answers; ' +
        'it cannot be started from packages: Maven (mvn) is missing',
    })
  })

  it('throws in continuous integration instead of being unavailable', async () => {
    await expect(resolveShared(missing, around({ CI: 'true' }))).rejects.toThrow(/CI is set.*sample.*mvn/s)
    await expect(resolveDedicated(missing, around({ CI: '1' }))).rejects.toThrow(/CI is set/)
    const nowhere = { ...missing, mayBeMissing: 'no package registry has it' }
    expect(await resolveShared(nowhere, around({ CI: 'true' }))).toMatchObject({ available: false })
    expect(inContinuousIntegration({})).toBe(false)
    expect(inContinuousIntegration({ CI: 'false' })).toBe(false)
  })

  it('fails with the end of the log when the server ends before it is ready', async () => {
    const failing = descriptorOf({
      launch: async () => ({ command: process.execPath, args: ['-e', 'console.log("disk on fire"); process.exit(3)'] }),
    })
    await expect(resolveShared(failing, around())).rejects.toThrow(/Sample 1 ended with code 3.*disk on fire/s)
  })
})

describe('addresses', () => {
  it('keep their user apart from the URL', () => {
    expect(parseAddress('https://me:p%40ss@example.com:9200/base/')).toEqual({
      url: 'https://example.com:9200/base',
      credentials: { username: 'me', password: 'p@ss' },
    })
    expect(parseAddress('nonsense')).toBeUndefined()
  })

  it('of a container engine that is not there are a quick no', async () => {
    expect(await engineAnswers({ DOCKER_HOST: `unix://${home.root}/none.sock` })).toBe(false)
    expect(await engineAnswers({ DOCKER_HOST: 'tcp://127.0.0.1:1' })).toBe(false)
  })
})

describe('a shared server', () => {
  const lease = self()
  const acquired = () => acquire(descriptorOf(), { home, id: 'sample', backend: 'local', lease })

  it('is started once by many at a time, and installed once', async () => {
    const states = await Promise.all([acquired(), acquired(), acquired()])
    expect(new Set(states.map(state => state.process?.pid)).size).toBe(1)
    expect(await readdir(home.installed)).toEqual(['sample-1'])
  })

  it('is replaced when it has died', async () => {
    const first = await acquired()
    if (!first.process) throw new Error('no process')
    process.kill(first.process.pid, 'SIGKILL')
    while (isAlive(first.process)) await new Promise(resolve => setTimeout(resolve, 10))
    const second = await acquired()
    expect(second.process?.pid).not.toBe(first.process.pid)
    expect(await (await fetch(second.url)).text()).toBe('1.2.3')
  })

  it('ends with its run, unless somebody else uses it or it was started by hand', async () => {
    const state = await acquired()
    if (!state.process) throw new Error('no process')
    const mine = { ...lease, run: 'mine' }
    await writeState(home, { ...state, leases: [mine], keep: true })
    await releaseRun(home, 'mine')
    expect(isAlive(state.process)).toBe(true)
    await writeState(home, { ...state, leases: [mine, { ...lease, run: 'other' }] })
    await releaseRun(home, 'mine')
    expect(isAlive(state.process)).toBe(true)
    await releaseRun(home, 'other')
    expect(isAlive(state.process)).toBe(false)
    expect(await readState(home, 'sample')).toBeUndefined()
  })

  it('is ended by the sweep once all its users have died', async () => {
    const state = await acquired()
    if (!state.process) throw new Error('no process')
    await sweep(home)
    expect(isAlive(state.process)).toBe(true)
    await writeState(home, { ...state, leases: [dead] })
    await sweep(home)
    expect(isAlive(state.process)).toBe(false)
    expect(await readdir(home.instances)).toEqual([])
  })
})

describe('state', () => {
  it('is readable by its user alone', async () => {
    await writeState(home, stateOf())
    const { mode } = await stat(join(home.instances, 'sample', 'state.json'))
    expect(mode & 0o077).toBe(0)
    expect(await readState(home, 'sample')).toEqual(stateOf())
  })

  it('does not take a later process of the same number for the recorded one', () => {
    expect(isAlive(self())).toBe(true)
    expect(isAlive(dead)).toBe(false)
    expect(liveLeases(stateOf({ leases: [dead, self()] }))).toEqual([self()])
  })

  it('holds one lease of a process', () => {
    expect(withLease(withLease(stateOf({ leases: [dead] }), self()), self()).leases).toEqual([self()])
  })

  it('leases a shared server to the run and a dedicated one to the process', () => {
    const run = runKey(self())
    expect(sharedLease({})).toEqual(self())
    expect(sharedLease({ [RUN_VARIABLE]: run })).toEqual({ ...self(), run })
    expect(dedicatedLease({ [RUN_VARIABLE]: run })).toEqual({ ...self(), run })
    expect(sharedLease({ [RUN_VARIABLE]: `${process.pid}:before` })).toEqual(self())
  })
})

describe('locks and installations', () => {
  it('lets one in at a time, and the next one after it', async () => {
    const lock = await tryLock(home.locks, 'one')
    expect(await tryLock(home.locks, 'one')).toBeUndefined()
    await expect(withLock(home.locks, 'one', async () => 1, 60)).rejects.toThrow(/has held the lock/)
    lock?.release()
    expect(await withLock(home.locks, 'one', async () => 1)).toBe(1)
  })

  it('leaves nothing of an installation that failed, and can be repeated', async () => {
    const failing = installOnce(home, 'tool', async ({ folder }) => {
      await writeFile(join(folder, 'half'), '')
      throw new Error('network is down')
    })
    await expect(failing).rejects.toThrow('network is down')
    expect(await readdir(home.installed)).toEqual([])
    const folder = await installOnce(home, 'tool', context => writeFile(join(context.folder, 'whole'), ''))
    expect(await readdir(folder)).toEqual(['whole'])
  })
})
