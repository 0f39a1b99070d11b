import { type SinkConfig, type SourceConfig, sinkConfigSchema, sourceConfigSchema } from '@pulsar-io/engine'
import type { ConnectorKind } from '@pulsar-io/sdk'

/** What differs between sinks and sources in the REST API, as data. */
export interface KindFacts {
  readonly kind: ConnectorKind
  /** As messages begin: "Sink orders doesn't exist". */
  readonly title: 'Sink' | 'Source'
  /** First parts of the paths; pulsar-admin says the second one. */
  readonly paths: readonly [plural: string, singular: string]
  /** The part of a multipart body that holds the configuration. */
  readonly configPart: 'sinkConfig' | 'sourceConfig'
  /** The field that stands for `builtin://NAME`. */
  readonly typeField: 'sinkType' | 'sourceType'
  /** The path of the list of built-in connectors. */
  readonly builtins: 'builtinsinks' | 'builtinsources'
  readonly reload: 'reloadBuiltInSinks' | 'reloadBuiltInSources'
}

/** Sinks and sources. */
export const KINDS: { readonly [kind in ConnectorKind]: KindFacts } = {
  sink: {
    kind: 'sink',
    title: 'Sink',
    paths: ['sinks', 'sink'],
    configPart: 'sinkConfig',
    typeField: 'sinkType',
    builtins: 'builtinsinks',
    reload: 'reloadBuiltInSinks',
  },
  source: {
    kind: 'source',
    title: 'Source',
    paths: ['sources', 'source'],
    configPart: 'sourceConfig',
    typeField: 'sourceType',
    builtins: 'builtinsources',
    reload: 'reloadBuiltInSources',
  },
}

/** A configuration of either kind. */
export type ConnectorConfig = SinkConfig | SourceConfig

/** The fields of a kind's configuration. */
export function configSchemaOf(kind: ConnectorKind): typeof sinkConfigSchema | typeof sourceConfigSchema {
  return kind === 'sink' ? sinkConfigSchema : sourceConfigSchema
}

/** Where a connector is: sinks and sources share their names. */
export interface Fqn {
  readonly tenant: string
  readonly namespace: string
  readonly name: string
}

/** `tenant/namespace/name`. */
export function fqnText({ tenant, namespace, name }: Fqn): string {
  return `${tenant}/${namespace}/${name}`
}
