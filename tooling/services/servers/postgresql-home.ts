import { chown, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { run } from '../command.ts'
import { aptInstall } from '../install/debian.ts'
import { findProgram } from '../install/programs.ts'
import { type InstallContext, type Launch, type LaunchContext, MissingPrerequisite } from '../types.ts'

/** Raise when the content of the installed tree changes. */
export const LAYOUT = 1

/** Says where the server's programs are, inside the installed tree. */
const PROGRAMS = 'bin.txt'

/** Remembers where the programs are; brings the Debian package where there are none. */
export async function installPostgresql({ folder, signal }: InstallContext): Promise<void> {
  let bin = await machineBin(signal)
  if (bin === undefined) {
    await aptInstall('postgresql', signal)
    bin = await machineBin(signal)
  }
  if (bin === undefined) throw new MissingPrerequisite('initdb and postgres are in none of the usual folders')
  await writeFile(join(folder, PROGRAMS), bin)
}

/** The folder that holds `initdb` and `postgres`: on the PATH, or where packages put it. */
async function machineBin(signal: AbortSignal): Promise<string | undefined> {
  const config = await findProgram('pg_config')
  const told = config === undefined ? [] : [(await run(config, ['--bindir'], { signal })).trim()]
  const versions = [18, 17, 16, 15, 14]
  const usual = versions.flatMap(v => [
    `/usr/lib/postgresql/${v}/bin`,
    `/usr/pgsql-${v}/bin`,
    `/opt/homebrew/opt/postgresql@${v}/bin`,
  ])
  const path = (process.env.PATH ?? '').split(delimiter)
  for (const bin of [...told, ...path, ...usual]) {
    if (bin === '') continue
    const both = ['initdb', 'postgres'].map(name => findProgram(name, { PATH: bin }))
    if ((await Promise.all(both)).every(program => program !== undefined)) return bin
  }
  return undefined
}

/** Makes the database folder at the first start, and gives the command that starts the server. */
export async function launchPostgresql({ installation, folder, ports, credentials }: LaunchContext): Promise<Launch> {
  const bin = await readFile(join(installation, PROGRAMS), 'utf8')
  const data = join(folder, 'data')
  const user = await unprivileged()
  const owned = async (path: string) => {
    if (user) await chown(path, user.uid, user.gid)
  }
  const as = (program: string, ...args: string[]) => [...(user?.prefix ?? []), join(bin, program), ...args]
  if (!(await exists(join(data, 'PG_VERSION')))) {
    await rm(data, { recursive: true, force: true })
    await mkdir(data, { recursive: true, mode: 0o700 })
    await owned(data)
    const passwords = join(folder, 'password')
    await writeFile(passwords, credentials?.password ?? '', { mode: 0o600 })
    await owned(passwords)
    const [command = '', ...args] = as(
      'initdb',
      ...['-D', data, '-U', credentials?.username ?? 'postgres', '--pwfile', passwords],
      ...['-A', 'scram-sha-256', '-E', 'UTF8', '--locale', 'C.UTF-8', '--no-sync'],
    )
    await run(command, args)
    await rm(passwords)
  }
  return {
    command: 'sh',
    args: ['-c', SUPERVISE, 'postgres', ...as('postgres', '-D', data, ...settings(Number(ports[0])))],
  }
}

/**
 * SIGTERM means to PostgreSQL to wait until every client has gone; SIGINT asks the clients to go. After a crash the
 * sessions of the old server need a moment to notice, and until then a new one refuses to start.
 */
const SUPERVISE = `
ended=
trap 'ended=1; kill -INT $child' TERM INT
for try in 1 2 3 4 5 6 7 8 9 10; do
  "$@" & child=$!
  wait $child; code=$?
  while kill -0 $child 2>/dev/null; do wait $child; code=$?; done
  if [ $code != 1 ] || [ $ended ]; then exit $code; fi
  sleep 0.3
done
exit $code`

function settings(port: number): string[] {
  const values = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    wal_level: 'logical',
    jit: 'off',
    log_timezone: 'UTC',
    timezone: 'UTC',
  }
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

/**
 * PostgreSQL does not run as root. Another user does, who may pass through folders of root: that is where the data is.
 * undefined when we are not root.
 */
async function unprivileged(): Promise<{ uid: number; gid: number; prefix: string[] } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const setpriv = await findProgram('setpriv')
  if (setpriv === undefined)
    throw new MissingPrerequisite('PostgreSQL does not run as root, and setpriv is missing; run as another user')
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map(line => line.split(':'))
  const line = lines.find(([name]) => name === 'postgres') ?? lines.find(([name]) => name === 'nobody')
  const [uid, gid] = [Number(line?.[2]), Number(line?.[3])]
  if (!Number.isInteger(uid) || !Number.isInteger(gid))
    throw new MissingPrerequisite('PostgreSQL does not run as root, and there is no user postgres or nobody')
  const capability = ['--inh-caps=+dac_override', '--ambient-caps=+dac_override']
  return { uid, gid, prefix: [setpriv, `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...capability] }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch {
    return false // not made yet
  }
}
