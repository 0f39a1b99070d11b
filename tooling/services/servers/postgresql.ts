import type { ServerDescriptor } from '../types.ts'
import { installPostgresql, LAYOUT, launchPostgresql } from './postgresql-home.ts'
import { probePostgresql } from './postgresql-probe.ts'

/** PostgreSQL with one user who may do everything, asked for a password; the database is `postgres`. */
export const postgresql: ServerDescriptor = {
  name: 'postgresql',
  title: 'PostgreSQL',
  variable: 'POSTGRESQL_URL',
  scheme: 'postgresql',
  users: { owner: 'postgres' },
  local: {
    key: `postgresql-${LAYOUT}`,
    portCount: 1,
    install: installPostgresql,
    launch: launchPostgresql,
  },
  container: {
    image: 'postgres:15',
    port: 5432,
    environment: ({ credentials }) => ({ POSTGRES_PASSWORD: credentials?.password ?? '' }),
  },
  probe: probePostgresql,
}
