import type { Logger } from '@pulsar-io/sdk'
import { noPipeline, requestError, serverError } from './errors.ts'
import type { Config } from './options.ts'
import type { Server } from './server.ts'

/** Puts the configured index template on the server, unless one of its name is there, which is left as it is. */
export async function ensureTemplate(server: Server, config: Config, logger: Logger): Promise<void> {
  const { indexTemplate, indexTemplateName: name } = config
  if (name === '') return
  const { wire, headers, where } = server
  const { status, body } = await wire.request({
    method: 'PUT',
    path: `/_index_template/${encodeURIComponent(name)}`,
    query: { create: 'true' },
    headers: headers.json,
    body: JSON.stringify(indexTemplate),
  })
  if (status < 300) logger.info(`created index template ${name}`)
  else if (serverError(body).reason.includes('already exists'))
    logger.info(`index template ${name} is there already and stays as it is`)
  else throw requestError(status, body, `create index template ${name}`, where)
}

/** Looks whether the configured ingest pipeline is there. Throws a ConnectorError (`PIO_ES_NO_PIPELINE`) where it is not. */
export async function checkPipeline(server: Server, { pipeline }: Config, logger: Logger): Promise<void> {
  if (pipeline === '') return
  const { wire, headers, where } = server
  const path = `/_ingest/pipeline/${encodeURIComponent(pipeline)}`
  const { status, body } = await wire.request({ method: 'GET', path, headers: headers.json })
  if (status < 300) return
  if (status === 403) logger.info(`${where.who} may not see whether the pipeline ${pipeline} exists; going on`)
  else if (status === 404) throw noPipeline(`the pipeline ${JSON.stringify(pipeline)} is not at ${where.url}`)
  else throw requestError(status, body, `look for the pipeline ${pipeline}`, where)
}
