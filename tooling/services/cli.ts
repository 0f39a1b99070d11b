import { engineAnswers } from './container.ts'
import { type Home, servicesHome } from './home.ts'
import { acquire, endById, install } from './lifecycle.ts'
import { isAlive } from './process-identity.ts'
import { type ServiceName, servers } from './servers/index.ts'
import { type InstanceState, instanceFolder, listStates, liveLeases } from './state.ts'

const USAGE = `Usage: pnpm services <command> [name…]

  start <name>…    start servers that stay up until they are stopped; tests use them
  stop [name…]     stop these servers, or all
  status           list the servers that were started here
  install <name>…  bring the packages of servers, so that the first start is quick

Names: ${Object.keys(servers).join(', ')}
State: ${servicesHome().root} (set SERVICES_HOME to change it)
`

/** Wrong words on the command line. */
class UsageError extends Error {}

function known(names: readonly string[]): ServiceName[] {
  const unknown = names.filter(name => !Object.hasOwn(servers, name))
  if (unknown.length > 0) throw new UsageError(`unknown: ${unknown.join(', ')}`)
  return names as ServiceName[]
}

function atLeastOne(names: readonly string[]): ServiceName[] {
  if (names.length === 0) throw new UsageError('name at least one server')
  return known(names)
}

async function start(home: Home, names: readonly ServiceName[]): Promise<void> {
  const backend = (await engineAnswers()) ? 'container' : 'local'
  for (const name of names) {
    const descriptor = servers[name]
    const state = await acquire(descriptor, { home, id: name, backend, keep: true })
    console.log(`${name} ${state.version} ${state.url} (${state.origin})`)
    if (state.adminUrl !== undefined) console.log(`  admin ${state.adminUrl}`)
    if (state.credentials) {
      console.log(`  user ${state.credentials.username}, password in ${instanceFolder(home, name)}/state.json`)
    }
  }
}

async function stop(home: Home, names: readonly string[]): Promise<void> {
  const ids = names.length > 0 ? names : (await listStates(home)).map(state => state.id)
  for (const id of ids) console.log(`${id} ${(await endById(home, id)) ? 'stopped' : 'was not running'}`)
}

function describe(state: InstanceState): string {
  const { id, version, url, process: server, containerId, keep } = state
  const where = server ? `pid ${server.pid}` : `container ${containerId?.slice(0, 12)}`
  const users = liveLeases(state).map(lease => lease.pid)
  const how = keep ? 'started by hand' : `used by ${users.join(', ') || 'nobody'}`
  const health = server && !isAlive(server) ? 'ended' : state.ready ? 'ready' : 'starting'
  return `${id} ${version ?? ''} ${url} ${where} ${health}, ${how}`
}

async function status(home: Home): Promise<void> {
  const states = await listStates(home)
  if (states.length === 0) console.log('no server is running')
  for (const state of states) console.log(describe(state))
}

async function main(args: readonly string[]): Promise<void> {
  const home = servicesHome()
  const [command, ...names] = args
  switch (command) {
    case 'start':
      return start(home, atLeastOne(names))
    case 'stop':
      return stop(home, names)
    case 'status':
      return status(home)
    case 'install':
      for (const name of atLeastOne(names)) console.log(`${name} is in ${await install(home, servers[name])}`)
      return
    case undefined:
    case 'help':
    case '--help':
    case '-h':
      console.log(USAGE)
      return
    default:
      throw new UsageError(`unknown command: ${command}`)
  }
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  const usage = error instanceof UsageError
  console.error(usage ? `${error.message}\n\n${USAGE}` : (error as Error).message)
  process.exitCode = usage ? 2 : 1
}
