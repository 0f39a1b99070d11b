/** Records in one request. */
const RECORDS_PER_REQUEST = 200

/**
 * Posts records to the source, many per request. A request is answered once its records are durable in the topic, so
 * the next one follows then.
 */
export async function send(url: string, records: readonly object[], signal: AbortSignal): Promise<void> {
  for (let from = 0; from < records.length; from += RECORDS_PER_REQUEST) {
    const body = records
      .slice(from, from + RECORDS_PER_REQUEST)
      .map(record => `${JSON.stringify(record)}\n`)
      .join('')
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body,
      signal,
    })
    if (!response.ok) throw new Error(`the source answered ${response.status}: ${await response.text()}`)
    await response.arrayBuffer()
  }
}
