import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Coordinator, WorkerInfo } from '../coordination.ts'
import { isLoopback } from '../options.ts'
import { ReplyError } from '../reply-error.ts'
import type { AccessRules } from '../security/access.ts'
import type { Authenticator } from '../security/authenticator.ts'
import { FORWARDED_BY, passOn } from './forward.ts'

/** What stands between a request and its route. */
export interface GuardParts {
  /** Undefined: everybody may do everything. */
  readonly auth: { readonly authenticator: Authenticator; readonly rules: AccessRules } | undefined
  readonly ready: () => boolean
  /** Undefined while the worker is starting. */
  readonly coordinator: () => Coordinator | undefined
  /** Called behind a change that the leader made for us. */
  readonly afterForward: () => Promise<void>
}

/** Milliseconds that a request waits for a leader, and between looks for one. */
const LEADER_WAIT_MS = 5_000
const LEADER_LOOK_MS = 20

/** Pulsar's words. */
const NOT_READY = 'Function worker service is not done initializing. Please try again in a little while.'
export const NO_LEADER = 'Leader not yet ready. Please retry again'

/** Puts the guards before all routes. */
export function addGuards(app: FastifyInstance, { auth, ready, coordinator, afterForward }: GuardParts): void {
  app.addHook('onRequest', async (request, reply) => {
    const { access = 'somebody', byLeader = false, early = false } = request.routeOptions.config
    if (auth === undefined) refuseStrangers(request)
    else if (access !== 'open') {
      refuseBorrowedPasswords(request)
      try {
        request.role = await auth.authenticator.roleOf(request.headers.authorization)
      } catch (error) {
        reply.header('www-authenticate', auth.authenticator.challenge)
        throw error
      }
      auth.rules.check(request.role, access, (request.params ?? {}) as { tenant?: string; namespace?: string })
    }
    const self = coordinator()
    if (!early && (!ready() || self === undefined)) throw new ReplyError(503, NOT_READY)
    if (!byLeader || self === undefined) return undefined
    const leader = await leaderOf(self)
    if (self.isLeader()) return undefined
    // Whoever passed it on took this worker for the leader: nobody is sure at the moment.
    if (leader === undefined || leader.workerId === self.workerId || request.headers[FORWARDED_BY] !== undefined) {
      throw new ReplyError(503, NO_LEADER)
    }
    await passOn(request, reply, leader, self.workerId)
    await afterForward()
    return reply
  })
}

/** Between two leaders there is none for a moment, which is not worth an error. */
async function leaderOf(self: Coordinator): Promise<WorkerInfo | undefined> {
  const until = performance.now() + LEADER_WAIT_MS
  while (!self.isLeader() && self.leader() === undefined && performance.now() < until) await sleep(LEADER_LOOK_MS)
  return self.leader()
}

/**
 * A worker without authentication listens on its own machine only; but any page in a browser there can send it requests.
 * A page from elsewhere says its origin, and one that made its own name mean this machine says that name.
 */
function refuseStrangers({ headers }: FastifyRequest): void {
  const host = hostOf(`http://${headers.host ?? ''}`)
  if (host === undefined || !isLoopback(host)) {
    throw new ReplyError(
      403,
      `the request is for ${headers.host ?? 'nobody'}; without authentication this worker answers only to localhost`,
    )
  }
  if (headers.origin !== undefined && hostOf(headers.origin, true) !== headers.host) {
    throw new ReplyError(403, `pages of ${headers.origin} may not use this worker`)
  }
}

/** A browser adds a password that it remembers to what any page sends; a token only a page that has it. */
function refuseBorrowedPasswords({ headers }: FastifyRequest): void {
  if (headers.origin === undefined || !/^basic\b/i.test(headers.authorization ?? '')) return
  if (hostOf(headers.origin, true) !== headers.host) {
    throw new ReplyError(403, `pages of ${headers.origin} may not use this worker with a password`)
  }
}

function hostOf(url: string, withPort = false): string | undefined {
  if (!URL.canParse(url)) return undefined
  const { host, hostname } = new URL(url)
  return withPort ? host : hostname
}
