import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:net'
import { type SourceConformanceOptions, sourceConformance } from '@pulsar-io/testkit/conformance'
import netty from '../src/index.ts'

const capabilities: SourceConformanceOptions['capabilities'] = {
  readsEarlier: false,
  acks: false,
  keys: false,
  properties: false,
  ordered: true,
  poison: true,
  tombstones: false,
  faults: 'none',
  // What one read of a socket brings; the rest waits in the sockets.
  readAhead: 1500,
  ends: false,
}

const mistakes: NonNullable<SourceConformanceOptions['mistakes']> = {
  wrongAddress: { config: config => ({ ...config, host: '203.0.113.1' }), names: '203.0.113.1' },
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

sourceConformance('netty, tcp', {
  definition: netty,
  capabilities,
  mistakes,
  place: async () => {
    const port = await freePort()
    const send = async (text: string) => {
      const socket = connect({ port, host: '127.0.0.1' })
      // A sender of lines gets no answer; the connection may end at any time.
      socket.on('error', () => undefined)
      socket.resume()
      socket.end(text)
      await Promise.race([once(socket, 'finish'), once(socket, 'close')])
    }
    return {
      config: { type: 'tcp', port, schemaType: 'json', maxFrameBytes: '4MiB', closeTimeout: 500 },
      write: list => send(list.map(item => `${JSON.stringify(item)}\n`).join('')),
      poison: () => send('{"broken\n'),
    }
  },
})

sourceConformance('netty, http', {
  definition: netty,
  capabilities: { ...capabilities, ordered: false, keys: true, properties: true },
  mistakes,
  largeTextLength: 100_000,
  place: async () => {
    const port = await freePort()
    const post = async (body: string, headers: { readonly [name: string]: string } = {}): Promise<number> => {
      const authorization = 'Bearer token-that-nobody-may-see'
      const request = { method: 'POST', headers: { authorization, connection: 'close', ...headers }, body }
      for (;;) {
        const answer = await fetch(`http://127.0.0.1:${port}/`, request)
        await answer.text()
        if (answer.status !== 503) return answer.status
        await new Promise(resolve => setTimeout(resolve, 20))
      }
    }
    // A request is answered once its records are published, so the answer is not waited for.
    const send = (body: string, headers: { readonly [name: string]: string }) => {
      // Some tests end before they publish, and then the connection ends, too.
      post(body, { 'content-type': 'application/x-ndjson', ...headers }).catch(() => undefined)
    }
    return {
      config: {
        type: 'http',
        port,
        token: 'token-that-nobody-may-see',
        schemaType: 'json',
        maxBodyBytes: '512KiB',
        maxBufferedBytes: '512KiB',
        closeTimeout: 500,
        keyHeader: 'x-key',
        propertyHeaders: ['plain', 'with-dash'],
      },
      write: async list => {
        const plain = list.filter(item => item.key === undefined && item.properties === undefined)
        for (let from = 0; from < plain.length; from += 100)
          send(
            plain
              .slice(from, from + 100)
              .map(item => JSON.stringify(item))
              .join('\n'),
            {},
          )
        for (const item of list)
          if (!plain.includes(item))
            send(JSON.stringify(item), {
              ...latin1({ ...item.properties }),
              ...(item.key === undefined ? {} : latin1({ 'x-key': item.key })),
            })
      },
      poison: async () => void (await post('{"broken')),
    }
  },
})

/** UTF-8 as header values carry it. */
function latin1(headers: { readonly [name: string]: string }): { readonly [name: string]: string } {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Buffer.from(value, 'utf8').toString('latin1')]),
  )
}
