const names = (kind: 'sinks' | 'sources', name: string) => ({
  delete: [`runtime ${kind} delete ${name}`],
  get: [
    `runtime ${kind} get ${name}`,
    `runtime ${kind} get --tenant sales --namespace eu --name ${name} --output yaml`,
  ],
  list: [`runtime ${kind} list`, `runtime ${kind} list --tenant sales --namespace eu`],
  status: [`runtime ${kind} status ${name}`, `runtime ${kind} status ${name} --watch`],
  start: [`runtime ${kind} start ${name} --wait`],
  stop: [`runtime ${kind} stop ${name}`, `runtime ${kind} stop ${name} --instance-id 1`],
  restart: [`runtime ${kind} restart ${name}`],
  pause: [`runtime ${kind} pause ${name}`, `runtime ${kind} pause ${name} --instance-id 1`],
  resume: [`runtime ${kind} resume ${name}`],
  reload: [`runtime ${kind} reload`],
  available: [`runtime ${kind} available-${kind}`],
  deadLetters: [
    `runtime ${kind} dlq list ${name}`,
    `runtime ${kind} dlq list ${name} --limit 10 --show-values --output table`,
  ],
  logs: [`runtime ${kind} logs ${name}`, `runtime ${kind} logs ${name} --follow`],
})

/** Examples of the help texts of the commands that talk to a worker, by kind and command. */
export const ADMIN_EXAMPLES = {
  sink: {
    create: [
      'runtime sinks create --archive connectors/elasticsearch.tgz --inputs orders --sink-config my_elastic_search.json --wait',
      'runtime sinks create --sink-type file --name orders-file --inputs orders --sink-config \'{"path":"out"}\'',
      'runtime sinks create --sink-config-file sink.yaml --admin-url https://workers:6751 --client-auth-plugin token --client-auth-params file:///run/secrets/token',
    ],
    update: [
      'runtime sinks update --name elasticsearch --parallelism 2',
      'runtime sinks update --name elasticsearch --archive connectors/elasticsearch.tgz --wait',
    ],
    ...names('sinks', 'elasticsearch'),
  },
  source: {
    create: [
      `runtime sources create --archive connectors/netty.tgz --destination-topic-name events --source-config '{"type":"http","port":10999}' --wait`,
      'runtime sources create --source-config-file netty.yaml',
    ],
    update: ['runtime sources update --name netty --source-config-file netty.yaml'],
    ...names('sources', 'netty'),
  },
  replay: [
    'runtime sinks dlq replay elasticsearch --dry-run',
    'runtime sinks dlq replay elasticsearch --limit 10',
    'runtime sinks dlq replay elasticsearch',
  ],
  apply: ['runtime apply -f pipeline.yaml --dry-run', 'runtime apply -f pipeline.yaml --wait'],
} as const
