import { MissingPrerequisite, type ServerDescriptor } from '../types.ts'
import { probeTimescale } from './postgresql-probe.ts'

/** TimescaleDB on PostgreSQL, with one user who may do everything; the database is `postgres`. */
export const timescaledb: ServerDescriptor = {
  name: 'timescaledb',
  title: 'TimescaleDB',
  variable: 'TIMESCALEDB_URL',
  scheme: 'postgresql',
  users: { owner: 'postgres' },
  mayBeMissing: 'no package registry has TimescaleDB',
  local: {
    key: 'timescaledb-none',
    portCount: 1,
    install: () => Promise.reject(new MissingPrerequisite('no package registry has TimescaleDB')),
    launch: () => Promise.reject(new Error('TimescaleDB cannot be started from packages')),
  },
  container: {
    image: 'timescale/timescaledb:2.28.0-pg15',
    port: 5432,
    environment: ({ credentials }) => ({
      POSTGRES_PASSWORD: credentials?.password ?? '',
      TIMESCALEDB_TELEMETRY: 'off',
    }),
  },
  probe: probeTimescale,
}
