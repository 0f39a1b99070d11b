/**
 * A name that nobody else has: 32 hexadecimal digits. Not for secrets: V8 makes them up, from a state that the system
 * seeds for each thread. With `node:crypto` every thread would load 1 MB of modules for it.
 */
export function randomId(): string {
  return Array.from({ length: 4 }, randomDigits).join('')
}

function randomDigits(): string {
  return Math.floor(Math.random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0')
}
