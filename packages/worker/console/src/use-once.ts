import { useEffect, useState } from 'react'
import { asError } from './use-poll.ts'

/** What was read. */
export interface Read<T> {
  readonly value: T | undefined
  readonly error: Error | undefined
}

/** Reads once for each `key`. */
export function useOnce<T>(key: string, read: (signal: AbortSignal) => Promise<T> | undefined): Read<T> {
  const [state, setState] = useState<{ key: string; value?: T | undefined; error?: Error }>({ key })
  // `read` is made anew by each render; `key` says what it reads.
  useEffect(() => {
    const ending = new AbortController()
    const work = async () => {
      try {
        const value = await read(ending.signal)
        if (!ending.signal.aborted) setState({ key, value })
      } catch (error) {
        if (!ending.signal.aborted) setState({ key, error: asError(error) })
      }
    }
    void work()
    return () => ending.abort()
  }, [key])
  return state.key === key ? { value: state.value, error: state.error } : { value: undefined, error: undefined }
}
