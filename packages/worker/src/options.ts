import type { InstanceLease, Isolation, LogLine, MessagingAddress, RestartPolicy } from '@pulsar-io/engine'
import type { MessagingClient } from '@pulsar-io/messaging'
import type { Coordinator, WorkerInfo } from './coordination.ts'

/** Who may do what. Without it everybody may do everything, and only from this machine. */
export interface AuthOptions {
  /** Tokens (JWT), as Pulsar's: the subject is the role. One of the keys. */
  readonly token?: {
    /** The bytes of a shared secret (HS256, HS384, HS512). */
    readonly secretKey?: Uint8Array
    /** A public key in PEM or DER (RS…, PS…, ES…, EdDSA). */
    readonly publicKey?: Uint8Array
    /** What `aud` has to hold; default anything. */
    readonly audience?: string
  }
  /** User → password, or `scrypt:<salt>:<hash>` with both in base64. The user is the role. */
  readonly basic?: ReadonlyMap<string, string>
  /** Roles that may do everything. */
  readonly superUserRoles?: readonly string[]
  /** What other roles may look at and change. */
  readonly grants?: readonly RoleGrant[]
}

/** A role and the connectors that it may look at and change. */
export interface RoleGrant {
  readonly role: string
  readonly tenant: string
  /** Default: all of the tenant. */
  readonly namespace?: string
}

/** What requests may cost. */
export interface WorkerLimits {
  /** Bytes of an uploaded archive. Default 64 MiB, which is the most an archive may have. */
  readonly uploadBytes: number
  /** Bytes of a configuration. Default 1 MiB. */
  readonly bodyBytes: number
  /** Requests per second and address. Default 200; 0: no limit. */
  readonly requestsPerSecond: number
  /** Milliseconds that the head of a request may take. Default 10000. */
  readonly headersTimeoutMs: number
  /** Milliseconds that a whole request may take. Default 300000. */
  readonly requestTimeoutMs: number
}

/** How a worker runs. */
export interface WorkerOptions {
  /** Default 6750; 0 takes a free one. */
  readonly port?: number
  /** Default 127.0.0.1. Any other than this machine's own needs `auth`. */
  readonly host?: string
  /** Name or address that other workers and clients reach it by. Default: the host that it listens on, or the machine's name. */
  readonly advertisedHost?: string
  /** Default: from cluster, host and port. */
  readonly workerId?: string
  /** Where topics and configurations live. Default: the embedded log in `.pulsar-io`. */
  readonly messaging?: MessagingAddress
  /** `tenant/namespace` of the configurations. Default `public/functions`, as Pulsar's worker. */
  readonly metadataNamespace?: string
  /** Folder of `builtin://` archives. Default `connectors`. */
  readonly connectorsDir?: string
  /** Folder for uploads and the files of stored archives. Default `.pulsar-io-worker`. */
  readonly workDir?: string
  /** Folder of the built console. Default: the one that comes with this package. */
  readonly consoleDir?: string
  /** Folder that archives are extracted to. */
  readonly cacheDir?: string
  /** Prefixes of addresses that packages may come from, `file://` folders, too. Default none. */
  readonly allowedUrls?: readonly string[]
  /** Where each instance runs. Default `thread`. */
  readonly isolation?: Isolation
  /** Milliseconds that a stop may take to settle what is in flight. Default 10000. */
  readonly drainTimeoutMs?: number
  readonly restart?: Partial<RestartPolicy>
  /** Instances that open at the same time. Default two for each core. */
  readonly maxOpening?: number
  readonly auth?: AuthOptions
  readonly tls?: { readonly cert: string | Uint8Array; readonly key: string | Uint8Array }
  readonly limits?: Partial<WorkerLimits>
  /** Milliseconds that this worker may be out of touch before others get its instances. Default 10000, on the embedded log 30000. */
  readonly leaseMs?: number
  /** Makes what decides which worker runs what. Default: all workers of the same metadata namespace, by `joinCluster`. */
  readonly coordinate?: (self: WorkerInfo, context: CoordinationContext) => Promise<Coordinator>
  /** Gets every log line of the worker and its instances; secrets are already hidden. */
  readonly log: (line: LogLine) => void
}

/** What a coordinator has to work with. */
export interface CoordinationContext {
  readonly client: MessagingClient
  /** `tenant/namespace` of the worker's topics. */
  readonly metadataNamespace: string
  readonly log: (line: LogLine) => void
  /** To be renewed with the lease of this worker, where it has one: behind its end no instance writes. */
  readonly lease: InstanceLease
}

/** Limits where nothing else is said. */
export const DEFAULT_WORKER_LIMITS: WorkerLimits = {
  uploadBytes: 64 * 1024 * 1024,
  bodyBytes: 1024 * 1024,
  requestsPerSecond: 200,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 300_000,
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i

/** Whether a host name or address is this machine's own, and nobody else's. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host)
}
