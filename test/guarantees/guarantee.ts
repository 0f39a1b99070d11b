export const guarantees = ['ATMOST_ONCE', 'ATLEAST_ONCE', 'EFFECTIVELY_ONCE'] as const
export type Guarantee = (typeof guarantees)[number]
