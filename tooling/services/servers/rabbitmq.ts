import type { ServerDescriptor } from '../types.ts'
import { definitions, installRabbitmq, LAYOUT, launchRabbitmq, rabbitmqctl } from './rabbitmq-home.ts'
import { probeRabbitmq } from './rabbitmq-probe.ts'

const common = {
  users: { owner: 'owner', readOnly: 'reader' },
  probe: probeRabbitmq,
}

const local = { key: `rabbitmq-debian-${LAYOUT}`, portCount: 3, install: installRabbitmq, control: rabbitmqctl }

/** RabbitMQ with users of generated passwords: one who may do everything, one who may only read. */
export const rabbitmq: ServerDescriptor = {
  ...common,
  name: 'rabbitmq',
  title: 'RabbitMQ',
  variable: 'RABBITMQ_URL',
  scheme: 'amqp',
  local: { ...local, launch: context => launchRabbitmq(context) },
  container: {
    image: 'rabbitmq:3.13',
    port: 5672,
    environment: () => ({}),
    files: users => [
      { content: definitions(users), target: '/etc/rabbitmq/definitions.json' },
      {
        content: 'load_definitions = /etc/rabbitmq/definitions.json\nloopback_users = none\n',
        target: '/etc/rabbitmq/conf.d/90-services.conf',
      },
    ],
    control: args => ['rabbitmqctl', ...args],
  },
}

/** RabbitMQ that speaks TLS alone and asks for a client certificate of the tests' own authority. */
export const rabbitmqSecured: ServerDescriptor = {
  ...common,
  name: 'rabbitmq-secured',
  title: 'RabbitMQ with TLS',
  variable: 'RABBITMQ_SECURED_URL',
  scheme: 'amqps',
  local: { ...local, launch: context => launchRabbitmq(context, true) },
}
