import { createConnection } from 'node:net'
import { describe, expect, it } from 'vitest'
import { freePort } from '../support/ports.ts'
import { workspace } from '../support/workspace.ts'

/** The command of the documentation that the product follows. */
const command = [
  ...['sources', 'localrun', '--archive', 'connectors/netty.tgz', '--tenant', 'public', '--namespace', 'default'],
  ...['--name', 'netty', '--destination-topic-name', 'netty-topic', '--parallelism', '1'],
  ...['--source-config-file', 'netty-source-config.yaml'],
]

describe('the Netty example', { timeout: 60_000 }, () => {
  it.each([
    [
      'its bare options',
      (port: number) => `{ "type": "tcp", "host": "127.0.0.1", "port": "${port}", "numberOfThreads": "1" }\n`,
    ],
    [
      'the shape of a SourceConfig',
      (port: number) => `configs:\n  type: "tcp"\n  host: "127.0.0.1"\n  port: "${port}"\n  numberOfThreads: "1"\n`,
    ],
  ])('takes lines from a socket with %s', async (_, config) => {
    const user = await workspace()
    const port = await freePort()
    await user.file('netty-source-config.yaml', config(port))
    const source = user.start(command)
    await source.logged(/^running/)

    await send(port, 'first\nsecond\r\nthird ☃\n')
    await source.while(async () => (await values(user)).length === 3, { what: 'three records', pollMs: 200 })
    expect(await values(user)).toEqual(['first', 'second', 'third ☃'])

    source.kill('SIGINT')
    expect(await source.end()).toMatchObject({ code: 0, stdout: '', summary: { recordsIn: 3, recordsOut: 3 } })
  })
})

async function values(user: Awaited<ReturnType<typeof workspace>>): Promise<readonly unknown[]> {
  return (await user.consume('netty-topic')).map(({ value }) => value)
}

function send(port: number, text: string): Promise<void> {
  return new Promise((done, fail) => {
    const socket = createConnection({ host: '127.0.0.1', port })
    socket.on('error', fail)
    socket.on('close', () => done())
    socket.on('connect', () => socket.end(text))
    // Read, so that the end of the other side is seen.
    socket.resume()
  })
}
