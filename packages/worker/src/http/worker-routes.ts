import type { Metrics } from '@pulsar-io/engine'
import * as z from 'zod'
import type { Builtins } from '../connectors/builtins.ts'
import { connectorDefinition } from '../connectors/definition.ts'
import type { Coordinator, DrainStatus, WorkerInfo } from '../coordination.ts'
import { ReplyError } from '../reply-error.ts'
import type { Runner } from '../running/runner.ts'
import { definitionAnswer } from './connector-routes.ts'
import { NO_LEADER } from './guards.ts'
import { type Route, route } from './route.ts'
import { functionsMetrics, workerMetrics } from './worker-stats.ts'

/** What the routes about workers work with. */
export interface WorkerRouteParts {
  readonly coordinator: () => Coordinator
  readonly builtins: Builtins
  readonly runner: () => Runner
  readonly metrics: Metrics
  readonly ready: () => boolean
  readonly openApi: () => object
}

const workerAnswer = z.object({ workerId: z.string(), workerHostname: z.string(), port: z.int() })
const progressAnswer = z.object({ status: z.enum(['NOT_RUN', 'RUNNING', 'SUCCESS', 'ERROR']), lastError: z.string() })
const drainQuery = z.object({ workerId: z.string().min(1).optional() })

/** Routes about the workers themselves, their health and their numbers. */
export function workerRoutes(parts: WorkerRouteParts): readonly Route[] {
  return [...clusterRoutes(parts), ...statsRoutes(parts), ...healthRoutes(parts)]
}

function clusterRoutes({ coordinator, builtins }: WorkerRouteParts): readonly Route[] {
  const superUser = { tag: 'worker', access: 'super-user' } as const
  const drain = (workerId: string) => coordinator().drain(workerId)
  const progress = async (workerId: string) => ({
    status: PROGRESS[coordinator().drainProgress(workerId).status],
    lastError: '',
  })
  const definitions = {
    tag: 'worker',
    method: 'GET',
    summary: 'All built-in connectors',
    answer: z.array(definitionAnswer),
    handle: async () => builtins.list().map(({ manifest }) => connectorDefinition(manifest)),
  } as const
  return [
    route({
      ...superUser,
      method: 'GET',
      path: '/admin/v2/worker/cluster',
      summary: 'Workers that are alive',
      answer: z.array(workerAnswer),
      handle: async () => coordinator().workers().map(shownWorker),
    }),
    route({
      ...superUser,
      method: 'GET',
      path: '/admin/v2/worker/cluster/leader',
      summary: 'The worker that takes changes',
      answer: workerAnswer,
      handle: async () => {
        const leader = coordinator().leader()
        if (leader === undefined) throw new ReplyError(503, NO_LEADER)
        return shownWorker(leader)
      },
    }),
    route({
      tag: 'worker',
      method: 'GET',
      path: '/admin/v2/worker/cluster/leader/ready',
      summary: 'Whether changes are taken',
      answer: z.boolean(),
      handle: async () => {
        if (coordinator().leader() === undefined) throw new ReplyError(503, NO_LEADER)
        return true
      },
    }),
    route({
      ...superUser,
      method: 'GET',
      path: '/admin/v2/worker/assignments',
      summary: 'Instances by worker',
      answer: z.record(z.string(), z.array(z.string())),
      handle: async () => {
        const byWorker: { [workerId: string]: string[] } = {}
        for (const [key, workerId] of coordinator().assignments()) {
          byWorker[workerId] ??= []
          byWorker[workerId].push(key)
        }
        return byWorker
      },
    }),
    route({ ...definitions, path: '/admin/v2/worker/connectors' }),
    route({ ...definitions, path: '/admin/v2/functions/connectors' }),
    route({ ...definitions, path: '/admin/v3/functions/connectors' }),
    route({
      ...superUser,
      byLeader: true,
      method: 'PUT',
      path: '/admin/v2/worker/rebalance',
      summary: 'Distribute the instances anew',
      handle: () => coordinator().rebalance(),
    }),
    route({
      ...superUser,
      byLeader: true,
      query: drainQuery,
      method: 'PUT',
      path: '/admin/v2/worker/leader/drain',
      summary: 'Move everything away from a worker',
      handle: ({ query }) => drain(query.workerId ?? coordinator().workerId),
    }),
    route({
      ...superUser,
      byLeader: true,
      query: drainQuery,
      method: 'GET',
      path: '/admin/v2/worker/leader/drain',
      summary: 'How far that is',
      answer: progressAnswer,
      handle: ({ query }) => progress(query.workerId ?? coordinator().workerId),
    }),
    route({
      ...superUser,
      method: 'PUT',
      path: '/admin/v2/worker/drain',
      summary: 'Move everything away from this worker',
      handle: () => drain(coordinator().workerId),
    }),
    route({
      ...superUser,
      method: 'GET',
      path: '/admin/v2/worker/drain',
      summary: 'How far that is',
      answer: progressAnswer,
      handle: () => progress(coordinator().workerId),
    }),
  ]
}

function statsRoutes({ runner, metrics }: WorkerRouteParts): readonly Route[] {
  const numbers = z.object({ metrics: z.looseObject({}) }).loose()
  return [
    route({
      tag: 'worker-stats',
      access: 'super-user',
      method: 'GET',
      path: '/admin/v2/worker-stats/metrics',
      summary: 'Numbers of this process',
      answer: z.array(numbers),
      handle: async () => workerMetrics(),
    }),
    route({
      tag: 'worker-stats',
      access: 'super-user',
      method: 'GET',
      path: '/admin/v2/worker-stats/functionsmetrics',
      summary: 'Numbers of the instances that run here',
      answer: z.array(numbers),
      handle: async () => functionsMetrics(runner().connectors(), metrics.minuteAgo),
    }),
    route({
      tag: 'health',
      method: 'GET',
      path: '/metrics',
      summary: 'All numbers, for Prometheus',
      early: true,
      answer: z.string(),
      contentType: metrics.contentType,
      handle: async (_, reply) =>
        reply
          .type(metrics.contentType)
          .serializer(String)
          .send(await metrics.text()),
    }),
  ]
}

function healthRoutes({ ready, openApi }: WorkerRouteParts): readonly Route[] {
  const open = { tag: 'health', access: 'open', early: true, method: 'GET' } as const
  const initialized = async () => {
    if (!ready()) throw new ReplyError(503, 'starting, or stopping')
    return true
  }
  return [
    route({
      ...open,
      path: '/healthz',
      summary: 'The process is alive',
      answer: z.boolean(),
      handle: async () => true,
    }),
    route({ ...open, path: '/readyz', summary: 'Requests are taken', answer: z.boolean(), handle: initialized }),
    route({
      ...open,
      path: '/initialized',
      summary: "The same, in Pulsar's words",
      answer: z.boolean(),
      handle: initialized,
    }),
    route({
      ...open,
      path: '/openapi.json',
      summary: 'This document',
      answer: z.looseObject({}),
      handle: async () => openApi(),
    }),
  ]
}

/** Pulsar's words (LongRunningProcessStatus). */
const PROGRESS: { readonly [status in DrainStatus]: 'NOT_RUN' | 'RUNNING' | 'SUCCESS' } = {
  notRun: 'NOT_RUN',
  running: 'RUNNING',
  completed: 'SUCCESS',
}

function shownWorker({ workerId, workerHostname, port }: WorkerInfo): z.output<typeof workerAnswer> {
  return { workerId, workerHostname, port }
}
