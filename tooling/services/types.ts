/** Where a server came from: an address in the environment, a container, or a process started from packages. */
export type Origin = 'environment' | 'container' | 'local'

export interface Credentials {
  readonly username: string
  readonly password: string
}

/** A server that answered. `version` is what the server itself says. */
export interface AvailableService {
  readonly available: true
  readonly name: string
  /** Base address without a trailing slash and without credentials. */
  readonly url: string
  /** Base address of the HTTP interface that looks after the server; present where it is another than `url`. */
  readonly adminUrl?: string
  readonly version: string
  readonly origin: Origin
  /** A user who may do everything; present where the server asks for one. */
  readonly credentials?: Credentials
  /** A user who may read everything and write nothing. */
  readonly readOnly?: Credentials
}

export interface UnavailableService {
  readonly available: false
  readonly name: string
  readonly reason: string
}

export type Service = AvailableService | UnavailableService

/** A server of one's own, to be hurt. Port and data stay the same over `stop`, `kill`, `start` and `restart`. */
export interface DedicatedService extends AvailableService {
  /** Ends the server in good order; its data stays. */
  stop(): Promise<void>
  /** Ends the server with SIGKILL, as a crash would; its data stays as the crash left it. */
  kill(): Promise<void>
  /** Starts a stopped server and waits until it is ready. Does nothing when it runs. */
  start(): Promise<void>
  restart(): Promise<void>
  /**
   * Runs the server's own administration command, for example `rabbitmqctl`, and gives what it printed.
   * @throws where the server has none.
   */
  control(...args: readonly string[]): Promise<string>
  /** Ends the server and deletes its data. Happens by itself when the owning process ends. */
  close(): Promise<void>
}

export interface Connection {
  readonly url: string
  readonly adminUrl?: string
  readonly credentials?: Credentials
}

/** The users of a started server, with generated passwords. */
export interface Users {
  readonly credentials?: Credentials
  readonly readOnly?: Credentials
}

/** What `LocalServer.launch` gets to write its configuration with. */
export interface LaunchContext extends Users {
  /** The installed tree; shared between instances, not to be written to. */
  readonly installation: string
  /** The instance's own folder for configuration, data and temporary files. */
  readonly folder: string
  /** Free loopback ports, the client port first. */
  readonly ports: readonly number[]
}

export interface Launch {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export interface InstallContext {
  /** Empty folder to fill; it is renamed into place afterwards, so nothing may remember its path. */
  readonly folder: string
  readonly signal: AbortSignal
}

/** How a server is started from packages. */
interface LocalServer {
  /** Names the installed tree; changes whenever what `install` produces changes. */
  readonly key: string
  /** @throws MissingPrerequisite when the machine lacks a tool, with what to install. */
  install(context: InstallContext): Promise<void>
  readonly portCount: number
  launch(context: LaunchContext): Promise<Launch>
  /** How its administration command is run, where it has one. */
  control?(context: LaunchContext, args: readonly string[]): Launch
}

/** How a server is started as a container. */
interface ContainerServer {
  readonly image: string
  /** The client port inside the container. `as outside`: a server that tells its address listens on the host's ports. */
  readonly port: number | 'as outside'
  /** How many ports of the host it gets, 1 when left out; several only with `as outside`. */
  readonly portCount?: number
  readonly command?: readonly string[]
  environment(context: Users & { readonly ports: readonly number[] }): Record<string, string>
  /** Files to put into the container before it starts. */
  files?(users: Users): { readonly content: string; readonly target: string }[]
  /** The administration command inside the container, where it has one. */
  control?(args: readonly string[]): string[]
}

/** Everything the rest of this folder knows about one kind of server. One file under `servers/` exports each. */
export interface ServerDescriptor {
  readonly name: string
  readonly title: string
  /** The environment variable that holds the address of a server that is already there. */
  readonly variable: string
  /** For addresses of started servers: `http` gives `http://127.0.0.1:<port>`. */
  readonly scheme: string
  /** The HTTP interface beside the client port: its variable, and its usual port. Of a started server it is the second port. */
  readonly admin?: { readonly variable: string; readonly scheme: string; readonly port: number }
  /**
   * Names of the users that a started server has: one who may do everything, one who may only read. Their passwords are
   * random unless `password` makes them.
   */
  readonly users?: { readonly owner: string; readonly readOnly?: string; readonly password?: (user: string) => string }
  /** Why nobody can be asked to have it: with `CI` set, too, tests go on without it. Otherwise a missing server fails there. */
  readonly mayBeMissing?: string
  readonly local: LocalServer
  readonly container?: ContainerServer
  /** Resolves with the server's version once it is ready to work. @throws when it is not, or not yet. */
  probe(connection: Connection & Users, signal: AbortSignal): Promise<string>
  /** Resolves once a server that we started has done what it does after its first start. @throws when not yet. */
  settled?(connection: Connection, signal: AbortSignal): Promise<void>
}

/** The machine lacks something that the project does not install by itself. The message says what to do. */
export class MissingPrerequisite extends Error {
  override readonly name = 'MissingPrerequisite'
}
