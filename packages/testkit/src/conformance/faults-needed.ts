import type { FaultLevel } from '../faults/faults.ts'

interface Claims {
  readonly capabilities: { readonly faults: FaultLevel }
}

/** Why a connector cannot be asked what it does while its system is away. */
export function noOutage({ capabilities }: Claims): string | undefined {
  return capabilities.faults === 'none' ? 'it has no connection to lose' : undefined
}

/** Why a connector cannot be asked what it does when its connection is cut or hangs. */
export function noNetwork({ capabilities }: Claims): string | undefined {
  if (capabilities.faults === 'outage') return 'its tests can only take the system away as a whole'
  return noOutage({ capabilities })
}
