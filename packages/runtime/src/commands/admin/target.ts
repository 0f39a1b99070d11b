import type { ConnectorId } from '@pulsar-io/admin'
import type { Problem } from '@pulsar-io/sdk'
import type { FlagValues } from '../../flags/flag.ts'
import { reader } from '../../flags/reader.ts'

/** Tenant and namespace that the flags name. */
export function namespaceOf(values: FlagValues): { readonly tenant: string; readonly namespace: string } {
  const { tenant, namespace } = values
  return {
    tenant: typeof tenant === 'string' ? tenant : 'public',
    namespace: typeof namespace === 'string' ? namespace : 'default',
  }
}

/** The connector that the argument or `--name` names; the argument may have all three parts. */
export function targetOf(values: FlagValues, argument: string | undefined, problems: Problem[]): ConnectorId {
  const flag = typeof values.name === 'string' ? values.name : undefined
  if (argument && flag !== undefined && argument !== flag) {
    problems.push({ path: '--name', message: `says ${flag}, but the argument says ${argument}; give one of them` })
  }
  const parts = (argument || flag || '').split('/')
  const at = namespaceOf(values)
  if (parts.length === 3) {
    const [tenant = '', namespace = '', name = ''] = parts
    for (const [key, part] of Object.entries({ tenant, namespace })) {
      const said = values[key]
      if (typeof said !== 'string' || said === part) continue
      problems.push({ path: `--${key}`, message: `says ${said}, but the name is in ${tenant}/${namespace}` })
    }
    return { tenant, namespace, name }
  }
  const [name = ''] = parts
  if (parts.length > 1 || name === '') {
    problems.push({
      path: '--name',
      message: name === '' && parts.length === 1 ? 'required: the connector' : 'must be NAME or tenant/namespace/NAME',
    })
  }
  return { ...at, name }
}

/** `tenant/namespace/name`. */
export function shownName({ tenant = 'public', namespace = 'default', name }: ConnectorId): string {
  return `${tenant}/${namespace}/${name}`
}

/** The instance that `--instance-id` names; undefined: all. */
export function instanceOf(values: FlagValues, problems: Problem[]): number | undefined {
  return reader(values, problems).whole('--instance-id', 0, 1_000_000)
}
