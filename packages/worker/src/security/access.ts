import type { AuthOptions } from '../options.ts'
import { ReplyError } from '../reply-error.ts'

/** What a route asks of who calls it. */
export type Access =
  /** Nothing. */
  | 'open'
  /** To be somebody. */
  | 'somebody'
  /** To be allowed the tenant and namespace of its path. */
  | 'namespace'
  /** To be a super-user. */
  | 'super-user'

/** Decides what a role may. */
export class AccessRules {
  readonly #superUsers: ReadonlySet<string>
  readonly #grants: NonNullable<AuthOptions['grants']>

  constructor({ superUserRoles = [], grants = [] }: AuthOptions) {
    this.#superUsers = new Set(superUserRoles)
    this.#grants = grants
  }

  isSuperUser(role: string): boolean {
    return this.#superUsers.has(role)
  }

  /** Throws a ReplyError (401, as Pulsar) when a role may not. */
  check(role: string, access: Access, place: { readonly tenant?: string; readonly namespace?: string }): void {
    if (access === 'open' || access === 'somebody' || this.isSuperUser(role)) return
    if (access === 'super-user') throw new ReplyError(401, 'This operation requires super-user access')
    const { tenant, namespace } = place
    const allowed = this.#grants.some(
      grant =>
        grant.role === role &&
        grant.tenant === tenant &&
        (grant.namespace === undefined || grant.namespace === namespace),
    )
    if (!allowed) throw new ReplyError(401, 'Client is not authorized to perform operation')
  }
}
