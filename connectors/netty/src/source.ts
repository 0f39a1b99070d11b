import type { Emit, PushSource, SourceContext } from '@pulsar-io/sdk'
import { HttpListener } from './http.ts'
import { type Listener, sharesPort, where } from './listen.ts'
import type { Config } from './options.ts'
import { TcpListener } from './tcp.ts'
import { UdpListener } from './udp.ts'

const LISTENERS = { tcp: TcpListener, udp: UdpListener, http: HttpListener }

/** Listens as configured and hands on what comes. */
export class NettySource implements PushSource<Config> {
  #listener: Listener | undefined
  #closing: Promise<void> | undefined

  async open(config: Config, context: SourceContext, emit: Emit): Promise<void> {
    for (const notice of notices(config, context)) context.logger.info(notice)
    this.#listener = new LISTENERS[config.type](config, context, emit)
    const port = await this.#listener.listen()
    context.logger.info(`listening on ${config.type} ${where(config.host, port)}`, {
      type: config.type,
      host: config.host,
      port,
      tls: config.tls.enabled,
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#listener?.close() ?? Promise.resolve()
    return this.#closing
  }
}

/** What an operator should know of a configuration that is not wrong. */
function notices(config: Config, context: SourceContext): string[] {
  const notices: string[] = []
  const shared = sharesPort(context)
  if (config.numberOfThreads > 1)
    notices.push(
      `numberOfThreads ${config.numberOfThreads}: an instance is one event loop here; ${shared ? `${context.numInstances} instances share the port` : 'a parallelism above 1 starts instances that share the port'}`,
    )
  if (shared && config.port === 0)
    notices.push('port 0: each instance takes a free port of its own; set a port for all of them to share')
  if (config.token && !config.tls.enabled && !/^(127\.|localhost$|::1$)/.test(config.host))
    notices.push('token goes over the network unencrypted; set tls.enabled, or let a proxy in front do it')
  return notices
}
