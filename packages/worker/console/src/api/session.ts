/** The `Authorization` of this tab; gone with it. */
const KEY = 'pulsar-io-authorization'

/** What API calls send, or undefined where nothing was entered. */
export function authorization(): string | undefined {
  return sessionStorage.getItem(KEY) ?? undefined
}

/** Keeps credentials for this tab; undefined forgets them. */
export function setAuthorization(value: string | undefined): void {
  if (value === undefined) sessionStorage.removeItem(KEY)
  else sessionStorage.setItem(KEY, value)
}

/** The header of a token. */
export function bearer(token: string): string {
  return `Bearer ${token.trim()}`
}

/** The header of a user and a password, in UTF-8. */
export function basic(user: string, password: string): string {
  return `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(`${user}:${password}`)))}`
}
