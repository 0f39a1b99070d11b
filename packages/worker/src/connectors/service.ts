import type { LogLevel } from '@pulsar-io/engine'
import type { ConnectorKind, JsonSchema, LogFields, Manifest } from '@pulsar-io/sdk'
import { type Coordinator, instanceKey } from '../coordination.ts'
import { type Fqn, fqnText, KINDS, type KindFacts } from '../kinds.ts'
import { reasonOf } from '../reason.ts'
import { ReplyError } from '../reply-error.ts'
import type { ArchiveStore } from '../store/archive-store.ts'
import type { AuditEntry, AuditTrail } from '../store/audit.ts'
import type { ConnectorStore } from '../store/connector-store.ts'
import { type ConnectorRecord, instanceCount, isPaused, isWanted, wantedInstances } from '../store/record.ts'
import type { Builtins } from './builtins.ts'
import { checkConfig, type RawConfig } from './check.ts'
import { configSchema } from './definition.ts'
import { givenPackage, namesPackage, withoutPackage } from './given-package.ts'
import type { CheckedPackage, GivenPackage, Packages } from './packages.ts'
import { shownConfig } from './shown-config.ts'
import { isUnchanged, mergedConfig } from './update.ts'

/** Who asks for a change. */
export interface Actor {
  readonly who: string
  readonly requestId: string
}

/** What a request brings to make or change a connector. */
export interface GivenConnector {
  readonly config: RawConfig
  /** An uploaded file, or an address. */
  readonly package?: GivenPackage | undefined
  /** The version that the change began with; a newer one refuses it. */
  readonly ifVersion?: number | undefined
}

/** What the service works with. */
export interface ServiceParts {
  readonly store: ConnectorStore
  readonly archives: ArchiveStore
  readonly packages: Packages
  readonly builtins: Builtins
  readonly audit: AuditTrail
  readonly coordinator: Coordinator
  /** What of a namespace is not there. */
  readonly missing: (tenant: string, namespace: string) => Promise<'tenant' | 'namespace' | undefined>
  /** Called for a sink that is gone, to delete its subscription. */
  readonly cleanUp: (record: ConnectorRecord, isBack: () => boolean) => Promise<void>
  readonly log: (level: LogLevel, message: string, fields?: LogFields) => void
}

/**
 * The connectors of this cluster of workers: reads come from memory, changes go through the store. Only the leader makes
 * changes, one after the other.
 */
export class ConnectorService {
  readonly #parts: ServiceParts
  #records: ReadonlyMap<string, ConnectorRecord> = new Map()
  #turn: Promise<unknown> = Promise.resolve()
  #refreshing: Promise<void> | undefined
  #refreshAgain = false

  constructor(parts: ServiceParts) {
    this.#parts = parts
  }

  /** All connectors, by `tenant/namespace/name`. */
  get records(): ReadonlyMap<string, ConnectorRecord> {
    return this.#records
  }

  /** Reads the store anew, and asks for what is wanted to run. */
  async refresh(): Promise<void> {
    if (this.#refreshing !== undefined) {
      this.#refreshAgain = true
      return this.#refreshing
    }
    this.#refreshing = (async () => {
      do {
        this.#refreshAgain = false
        await this.#load()
      } while (this.#refreshAgain)
    })().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  /** Names of a kind's connectors in a namespace. */
  list(kind: ConnectorKind, tenant: string, namespace: string): readonly string[] {
    return [...this.#records.values()]
      .filter(record => record.kind === kind && record.tenant === tenant && record.namespace === namespace)
      .map(({ name }) => name)
      .sort()
  }

  /** Throws a ReplyError (404) when there is none of that kind. */
  get(facts: KindFacts, fqn: Fqn): ConnectorRecord {
    const record = this.#find(facts, fqn)
    if (record === undefined) throw new ReplyError(404, `${facts.title} ${fqn.name} doesn't exist`)
    return record
  }

  /** As {@link ConnectorService.get}, and throws a ReplyError (400) for an instance that there is not. */
  getInstance(facts: KindFacts, fqn: Fqn, instanceId: number): ConnectorRecord {
    const record = this.get(facts, fqn)
    if (instanceId < instanceCount(record)) return record
    throw new ReplyError(400, `${facts.title} ${fqn.name} doesn't have instance with id ${instanceId}`)
  }

  /** The configuration as Pulsar answers it. */
  async shown(record: ConnectorRecord): Promise<object> {
    return shownConfig(record, await this.#manifest(record))
  }

  /** JSON Schema of a connector's options. Throws a ReplyError (404) when there is no such connector, or no archive of it. */
  async schema(facts: KindFacts, fqn: Fqn): Promise<JsonSchema> {
    const manifest = await this.#manifest(this.get(facts, fqn))
    if (manifest === undefined) throw new ReplyError(404, `the archive of ${facts.title} ${fqn.name} is not to be had`)
    return configSchema(manifest, facts.kind)
  }

  async create(facts: KindFacts, fqn: Fqn, given: GivenConnector, actor: Actor): Promise<void> {
    await this.#refuseNowhere(fqn)
    this.#refuseTwin(facts, fqn)
    const checkedPackage = await this.#parts.packages.check(givenPackage(facts, given, this.#parts.builtins))
    const { config, plan } = await checkConfig(facts, fqn, withoutPackage(facts, given.config), checkedPackage.archive)
    for (const message of plan.inert) this.#parts.log('warn', message, { connector: fqnText(fqn) })
    await this.#change(async () => {
      if ((await this.#parts.store.get(fqn)) !== undefined) throw this.#twin(facts, fqn)
      await this.#keep(checkedPackage)
      const now = Date.now()
      const record: ConnectorRecord = {
        kind: facts.kind,
        ...fqn,
        version: 1,
        config,
        package: checkedPackage.reference,
        started: true,
        exceptions: [],
        paused: [],
        restarts: {},
        configVersion: 1,
        createdAt: now,
        updatedAt: now,
      }
      await this.#put(record, 'create', actor, checkedPackage.archive.manifest)
    })
  }

  async update(facts: KindFacts, fqn: Fqn, given: GivenConnector, actor: Actor): Promise<void> {
    const record = this.#find(facts, fqn)
    if (record === undefined) throw new ReplyError(400, `${facts.title} ${fqn.name} doesn't exist`)
    refuseStale(record, given.ifVersion ?? record.version)
    const merged = mergedConfig(facts, record, withoutPackage(facts, { ...given.config, ...fqn }))
    const asked = given.package !== undefined || namesPackage(facts, given.config)
    const next: CheckedPackage = asked
      ? await this.#parts.packages.check(givenPackage(facts, given, this.#parts.builtins))
      : { reference: record.package, archive: await this.#parts.packages.resolve(record.package) }
    const { config, plan } = await checkConfig(facts, fqn, merged, next.archive)
    const samePackage = JSON.stringify(next.reference) === JSON.stringify(record.package)
    if (given.package === undefined && samePackage && isUnchanged(record, config)) {
      throw new ReplyError(400, 'Update contains no change')
    }
    for (const message of plan.inert) this.#parts.log('warn', message, { connector: fqnText(fqn) })
    await this.#change(async () => {
      const now = await this.#parts.store.get(fqn)
      if (now === undefined) throw new ReplyError(400, `${facts.title} ${fqn.name} doesn't exist`)
      refuseStale(now, record.version)
      await this.#keep(next)
      const changed = {
        ...successor(record),
        config,
        package: next.reference,
        configVersion: record.version + 1,
        exceptions: record.exceptions.filter(id => id < (config.parallelism ?? 1)),
        paused: record.paused.filter(id => id < (config.parallelism ?? 1)),
      }
      await this.#put(changed, 'update', actor, next.archive.manifest)
    })
    if (!samePackage) this.#collectLater()
  }

  async delete(facts: KindFacts, fqn: Fqn, actor: Actor): Promise<void> {
    const record = this.get(facts, fqn)
    await this.#change(async () => {
      if ((await this.#parts.store.get(fqn)) === undefined) throw this.#missing(facts, fqn)
      await this.#parts.store.delete(fqn)
      await this.#audit({ ...entryOf(record, 'delete', actor) })
    })
    await this.#cleanUp(record)
    this.#collectLater()
  }

  /** Starts or stops a connector, or one of its instances. */
  async setStarted(
    facts: KindFacts,
    fqn: Fqn,
    started: boolean,
    instanceId: number | undefined,
    actor: Actor,
  ): Promise<void> {
    await this.#alter(facts, fqn, instanceId, started ? 'start' : 'stop', actor, record => {
      if (instanceId === undefined) return { ...successor(record), started, exceptions: [] }
      if (isWanted(record, instanceId) === started) return record
      const exceptions = record.exceptions.includes(instanceId)
        ? record.exceptions.filter(id => id !== instanceId)
        : [...record.exceptions, instanceId]
      return { ...successor(record), exceptions }
    })
  }

  /** Keeps a connector, or one of its instances, from taking records, or lets it again. It holds through restarts and moves. */
  async setPaused(
    facts: KindFacts,
    fqn: Fqn,
    paused: boolean,
    instanceId: number | undefined,
    actor: Actor,
  ): Promise<void> {
    await this.#alter(facts, fqn, instanceId, paused ? 'pause' : 'resume', actor, record => {
      const meant =
        instanceId === undefined ? Array.from({ length: instanceCount(record) }, (_, id) => id) : [instanceId]
      if (meant.every(id => isPaused(record, id) === paused)) return record
      const others = record.paused.filter(id => !meant.includes(id))
      return { ...successor(record), paused: paused ? [...others, ...meant] : others }
    })
  }

  /** Restarts a connector, or one of its instances. One that is stopped stays so. */
  async restart(facts: KindFacts, fqn: Fqn, instanceId: number | undefined, actor: Actor): Promise<void> {
    await this.#alter(facts, fqn, instanceId, 'restart', actor, record => {
      const who = instanceId === undefined ? 'all' : String(instanceId)
      return { ...successor(record), restarts: { ...record.restarts, [who]: (record.restarts[who] ?? 0) + 1 } }
    })
  }

  /** Does something to a connector that nobody runs, such as moving its offsets. */
  async whileStopped(
    facts: KindFacts,
    fqn: Fqn,
    actor: Actor,
    work: (record: ConnectorRecord) => Promise<void>,
  ): Promise<void> {
    this.get(facts, fqn)
    await this.#change(async () => {
      const now = await this.#parts.store.get(fqn)
      if (now === undefined) throw this.#missing(facts, fqn)
      if (wantedInstances(now).length > 0) {
        throw new ReplyError(400, `${facts.title} ${fqn.name} is running; stop it first`)
      }
      await work(now)
      await this.#audit(entryOf(now, 'offsets', actor))
    })
  }

  /** Does something for a connector that leaves its configuration alone; the trail tells of it unless it is refused. */
  async audited<T>(
    record: ConnectorRecord,
    action: AuditEntry['action'],
    actor: Actor,
    work: () => Promise<T>,
  ): Promise<T> {
    let refused = false
    try {
      return await work()
    } catch (error) {
      refused = error instanceof ReplyError
      throw error
    } finally {
      if (!refused) await this.#audit(entryOf(record, action, actor))
    }
  }

  async #alter(
    facts: KindFacts,
    fqn: Fqn,
    instanceId: number | undefined,
    action: AuditEntry['action'],
    actor: Actor,
    make: (record: ConnectorRecord) => ConnectorRecord,
  ): Promise<void> {
    if (instanceId === undefined) this.get(facts, fqn)
    else this.getInstance(facts, fqn, instanceId)
    await this.#change(async () => {
      const now = await this.#parts.store.get(fqn)
      if (now === undefined) throw this.#missing(facts, fqn)
      const changed = make(now)
      if (changed === now) return
      await this.#parts.store.put(changed)
      await this.#audit({
        ...entryOf(changed, action, actor),
        ...(instanceId === undefined ? {} : { instance: instanceId }),
      })
    })
  }

  async #load(): Promise<void> {
    const { records, unreadable } = await this.#parts.store.all()
    for (const { key, error } of unreadable) {
      this.#parts.log('error', 'a stored connector cannot be read and does not run', { key, reason: reasonOf(error) })
    }
    this.#records = new Map(records.map(record => [fqnText(record), record]))
    const { coordinator } = this.#parts
    if (!coordinator.isLeader()) return
    await coordinator.propose(
      records.flatMap(record => wantedInstances(record).map(id => instanceKey(fqnText(record), id))),
    )
  }

  /** One change at a time, by the leader, told to everybody. */
  async #change(work: () => Promise<void>): Promise<void> {
    const { coordinator } = this.#parts
    // How the one before ended is its caller's affair.
    const turn = this.#turn
      .catch(() => undefined)
      .then(async () => {
        await coordinator.confirmLeader()
        await work()
        await this.refresh()
        await coordinator.announce()
      })
    this.#turn = turn
    await turn
  }

  /** The sink is gone whatever becomes of its subscription. */
  async #cleanUp(record: ConnectorRecord): Promise<void> {
    const fqn = fqnText(record)
    try {
      await this.#parts.cleanUp(record, () => this.#records.has(fqn))
    } catch (error) {
      this.#parts.log('warn', 'the subscription of a deleted sink stays', { connector: fqn, reason: reasonOf(error) })
    }
  }

  /** What is stored has to be there before anything names it. */
  async #keep({ reference, bytes }: CheckedPackage): Promise<void> {
    if (reference.type === 'stored' && bytes !== undefined) await this.#parts.archives.put(reference.sha256, bytes)
  }

  async #put(record: ConnectorRecord, action: AuditEntry['action'], actor: Actor, manifest: Manifest): Promise<void> {
    await this.#parts.store.put(record)
    await this.#audit({ ...entryOf(record, action, actor), config: shownConfig(record, manifest) })
  }

  /** A change that is made is made: a trail that cannot be written is said aloud, with what would stand there. */
  async #audit(entry: AuditEntry): Promise<void> {
    try {
      await this.#parts.audit.add(entry)
    } catch (error) {
      this.#parts.log('error', 'the audit trail cannot be written', { reason: reasonOf(error), ...entry })
    }
  }

  /** In its turn, so that it passes no archive that is about to be named. */
  #collectLater(): void {
    const turn = this.#turn
      .catch(() => undefined)
      .then(async () => {
        const { records } = await this.#parts.store.all()
        const used = records.flatMap(record => (record.package.type === 'stored' ? [record.package.sha256] : []))
        await this.#parts.archives.collect(new Set(used))
      })
    this.#turn = turn
    turn.catch(error => this.#parts.log('warn', 'old archives could not be taken away', { reason: reasonOf(error) }))
  }

  /** Resolves when no change is under way. */
  async settled(): Promise<void> {
    await this.#turn.catch(() => undefined)
  }

  #find(facts: KindFacts, fqn: Fqn): ConnectorRecord | undefined {
    const record = this.#records.get(fqnText(fqn))
    return record?.kind === facts.kind ? record : undefined
  }

  /** The embedded log has every namespace; a cluster has those that somebody made. */
  async #refuseNowhere({ tenant, namespace }: Fqn): Promise<void> {
    const missing = await this.#parts.missing(tenant, namespace)
    if (missing === 'tenant') throw new ReplyError(400, 'Tenant does not exist')
    if (missing === 'namespace') throw new ReplyError(400, 'Namespace does not exist')
  }

  #refuseTwin(facts: KindFacts, fqn: Fqn): void {
    if (this.#records.has(fqnText(fqn))) throw this.#twin(facts, fqn)
  }

  #twin(facts: KindFacts, fqn: Fqn): ReplyError {
    return new ReplyError(400, `${facts.title} ${fqn.name} already exists`)
  }

  #missing(facts: KindFacts, fqn: Fqn): ReplyError {
    return new ReplyError(404, `${facts.title} ${fqn.name} doesn't exist`)
  }

  async #manifest(record: ConnectorRecord): Promise<Manifest | undefined> {
    try {
      return (await this.#parts.packages.resolve(record.package)).manifest
    } catch (error) {
      this.#parts.log('warn', 'the archive of a connector is not to be had: its options are not shown', {
        connector: fqnText(record),
        reason: reasonOf(error),
      })
      return undefined
    }
  }
}

/** The record that follows one. */
function successor(record: ConnectorRecord): ConnectorRecord {
  return { ...record, version: record.version + 1, updatedAt: Date.now() }
}

function refuseStale(record: ConnectorRecord, version: number): void {
  if (record.version === version) return
  throw new ReplyError(
    409,
    `${KINDS[record.kind].title} ${record.name} was changed meanwhile: it is at version ${record.version}, and this change began with ${version}; read it again and repeat the change`,
  )
}

function entryOf(record: ConnectorRecord, action: AuditEntry['action'], actor: Actor): AuditEntry {
  return { action, kind: record.kind, fqn: fqnText(record), version: record.version, ...actor }
}
