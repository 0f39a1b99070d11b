import { useEffect, useState } from 'react'

/** What a poll last got. */
export interface Polled<T> {
  readonly value: T | undefined
  /** Of the last try; the value before it stays. */
  readonly error: Error | undefined
  /** Asks at once. */
  readonly refresh: () => void
}

/** Milliseconds between two readings. */
const POLL_MS = 2_000

/**
 * Reads again and again, one reading at a time, while the page can be seen.
 * `key` names what is read: another one begins anew.
 */
export function usePoll<T>(key: string, read: (signal: AbortSignal) => Promise<T>, everyMs = POLL_MS): Polled<T> {
  const [state, setState] = useState<{ key: string; value?: T; error?: Error | undefined }>({ key })
  const [asked, setAsked] = useState(0)
  // `read` is made anew by each render; `key` says what it reads, and `asked` that it is wanted now.
  useEffect(() => {
    const ending = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const next = async () => {
      if (!document.hidden) {
        try {
          const value = await read(ending.signal)
          if (!ending.signal.aborted) setState({ key, value })
        } catch (error) {
          if (!ending.signal.aborted)
            setState(last => ({ ...(last.key === key ? last : {}), key, error: asError(error) }))
        }
      }
      if (!ending.signal.aborted) timer = setTimeout(next, everyMs)
    }
    void next()
    return () => {
      ending.abort()
      clearTimeout(timer)
    }
  }, [key, everyMs, asked])
  const current = state.key === key ? state : { value: undefined, error: undefined }
  return { value: current.value, error: current.error, refresh: () => setAsked(count => count + 1) }
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
