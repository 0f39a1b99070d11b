import { pbkdf2Sync, randomBytes } from 'node:crypto'
import type { Credentials } from '../types.ts'

const ROUNDS = 10_000

/** A password as Elasticsearch keeps it for the hashing algorithm `pbkdf2`: HMAC-SHA-512, 256 bits, own salt. */
function hashPassword(password: string, salt: Buffer = randomBytes(32)): string {
  const hash = pbkdf2Sync(password, salt, ROUNDS, 32, 'sha512')
  return `{PBKDF2}${ROUNDS}$${salt.toString('base64')}$${hash.toString('base64')}`
}

/** The configuration files, by name, that give a user who may read every index and change none. */
export function readOnlyUserFiles({ username, password }: Credentials): Record<string, string> {
  return {
    users: `${username}:${hashPassword(password)}\n`,
    users_roles: `read_only:${username}\n`,
    'roles.yml': "read_only:\n  cluster: ['monitor']\n  indices:\n    - names: ['*']\n      privileges: ['read']\n",
  }
}
