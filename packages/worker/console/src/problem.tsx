import { createContext, useContext } from 'react'
import { ApiError } from './api/client.ts'
import { SignIn } from './sign-in.tsx'

/** Called when credentials were entered. */
export const SignedIn = createContext<() => void>(() => undefined)

/** What went wrong, in the worker's words; where credentials are missing, the form for them. */
export function Problem({ error }: { readonly error: Error | undefined }) {
  const signedIn = useContext(SignedIn)
  if (error === undefined) return null
  if (error instanceof ApiError && error.status === 401) return <SignIn reason={error.message} onDone={signedIn} />
  const away = error instanceof TypeError ? `the worker cannot be reached (${error.message})` : error.message
  return (
    <p role="alert" className="problem">
      {away}
    </p>
  )
}
