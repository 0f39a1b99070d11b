/** What is wrong with a text that is no JSON. */
export interface JsonMistake {
  /** Never quotes the text: there may be a secret in it. */
  readonly message: string
  /** Characters before the place. */
  readonly position: number
}

/** Finds the mistake in a text that `JSON.parse` refused with `error`. */
export function jsonMistake(text: string, error: unknown): JsonMistake {
  const { message } = error as Error
  const stated = /^(.*?)(?: in| after)? JSON at position (\d+)/s.exec(message)
  if (stated) return { message: lower(stated[1] ?? ''), position: Number(stated[2]) }
  const token = unexpectedToken(message)
  if (token === undefined) return { message: 'it ends too early', position: text.length }
  // V8 tells the character and quotes what is around it, but not where it is. A prefix of the text is refused for the
  // same reason exactly when it reaches the character, so its place is found by halving.
  let [low, high] = [0, text.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (refusesToken(text.slice(0, middle + 1))) high = middle
    else low = middle + 1
  }
  return { message: `unexpected ${token}`, position: low }
}

function unexpectedToken(message: string): string | undefined {
  return /^Unexpected token (.+?), /su.exec(message)?.[1]
}

function refusesToken(prefix: string): boolean {
  try {
    JSON.parse(prefix)
    return false
  } catch (error) {
    return unexpectedToken((error as Error).message) !== undefined
  }
}

function lower(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
