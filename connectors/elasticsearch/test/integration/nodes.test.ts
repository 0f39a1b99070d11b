import { tcpProxy } from '@pulsar-io/testkit'
import { service } from '@pulsar-io/tooling/services'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { documents, openSink } from '../support.ts'

const BATCH = 100

for (const name of ['elasticsearch', 'opensearch'] as const) {
  const server = await service(name)

  describe.skipIf(!server.available)(`a cluster of three nodes on ${name}`, () => {
    it('that are restarted one after the other under load takes every record, and the sink has nothing to report', async () => {
      if (!server.available) return
      // Three ways to one server, of which each may be away: to a client the same as three nodes.
      const nodes = await Promise.all([1, 2, 3].map(() => tcpProxy(server.url)))
      onTestFinished(async () => {
        await Promise.all(nodes.map(node => node.close()))
      })
      const indexName = `rolling-${Date.now()}-${process.pid}`
      const elasticSearchUrl = nodes.map(({ url }) => url).join(',')
      await using sink = await openSink({ elasticSearchUrl, indexName, createIndexIfNeeded: true })

      let written = 0
      let over = false
      const trouble: unknown[] = []
      const load = async () => {
        while (!over) {
          const from = written
          const values = Array.from({ length: BATCH }, (_, i) => ({ n: from + i }))
          const position = { ledgerId: 1n, entryId: BigInt(from), batchIndex: -1 }
          const outcomes = await sink.write(documents(values, { position }))
          trouble.push(...outcomes.filter(outcome => outcome !== undefined))
          written += BATCH
        }
      }
      const loading = load().catch(error => trouble.push(error))
      const more = (batches: number) => {
        const wanted = written + batches * BATCH
        return vi.waitFor(() => expect(trouble.length > 0 || written >= wanted).toBe(true), { timeout: 50_000 })
      }
      for (const node of nodes) {
        await more(3)
        await node.interrupt()
        await more(6)
        await node.restore()
      }
      await more(3)
      over = true
      await loading
      expect(trouble).toEqual([])
      expect(nodes.every(({ connections }) => connections > 0)).toBe(true)
      expect(nodes.some(({ cuts }) => cuts > 0)).toBe(true)
      await fetch(`${server.url}/${indexName}/_refresh`, { method: 'POST' })
      expect(await (await fetch(`${server.url}/${indexName}/_count`)).json()).toMatchObject({ count: written })
    })
  })
}
