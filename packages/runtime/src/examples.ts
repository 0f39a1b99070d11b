/** Examples of the help texts, by command. */
export const EXAMPLES = {
  root: [
    'runtime --archive connectors/elasticsearch.tgz --inputs orders --sink-config my_elastic_search.json',
    'runtime run -f pipeline.yaml',
    'runtime connectors inspect connectors/netty.tgz',
    `echo '{"id":1}' | runtime topics produce orders --key-field id`,
    'runtime topics consume orders --output json',
  ],
  sink: [
    `runtime sinks localrun --archive connectors/file.tgz --inputs orders --sink-config '{"path":"out"}'`,
    'runtime sinks localrun --archive connectors/elasticsearch.tgz --inputs orders --sink-config my_elastic_search.json',
    'runtime sinks localrun --sink-config-file sink.yaml --parallelism 2',
  ],
  source: [
    `runtime sources localrun --archive connectors/netty.tgz --destination-topic-name events --source-config '{"type":"http","port":10999}'`,
    'runtime sources localrun --archive connectors/netty.tgz --destination-topic-name events --source-config-file netty.yaml',
  ],
  run: ['runtime run -f pipeline.yaml', 'runtime run -f pipeline.yaml --validate-only'],
  list: ['runtime connectors list', 'runtime connectors list --connectors-dir /opt/connectors --output json'],
  inspect: [
    'runtime connectors inspect connectors/file.tgz',
    'runtime connectors inspect builtin://netty --output json',
  ],
  validate: ['runtime connectors validate connectors/elasticsearch.tgz --sink-config my_elastic_search.json'],
  produce: [
    'runtime topics produce orders --file orders.ndjson --key-field id',
    `echo hello | runtime topics produce greetings --property lang=en`,
  ],
  consume: [
    'runtime topics consume orders',
    'runtime topics consume orders --from latest --follow --output json',
    'runtime topics consume orders --from 10m --count 5',
  ],
  stats: ['runtime topics stats orders', 'runtime topics stats orders --output json'],
  topics: ['runtime topics list'],
  worker: [
    'runtime worker',
    'runtime worker --broker-service-url pulsar://pulsar:6650 --host 0.0.0.0 --token-secret-key secret.key --superuser-roles admin',
  ],
  completion: [
    'source <(runtime completion bash)',
    'runtime completion zsh > ~/.zfunc/_runtime',
    'runtime completion fish > ~/.config/fish/completions/runtime.fish',
  ],
} as const

/** The examples at the end of a help text. */
export function examplesText(lines: readonly string[], after = ''): string {
  return `\nExamples:\n${lines.map(line => `  ${line}`).join('\n')}\n${after ? `\n${after}\n` : ''}`
}
