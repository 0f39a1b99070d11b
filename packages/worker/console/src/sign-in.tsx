import { type FormEvent, useState } from 'react'
import { basic, bearer, setAuthorization } from './api/session.ts'

/** Asks for a token, or for a user and a password. They are kept for this tab alone. */
export function SignIn({ reason, onDone }: { readonly reason: string; readonly onDone: () => void }) {
  const [token, setToken] = useState('')
  const [user, setUser] = useState('')
  const [password, setPassword] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setAuthorization(token.trim() !== '' ? bearer(token) : basic(user, password))
    onDone()
  }
  return (
    <form className="sign-in" onSubmit={submit} aria-labelledby="sign-in">
      <h2 id="sign-in">Sign in</h2>
      <p role="alert" className="problem">
        {reason}
      </p>
      <label>
        Token
        <input type="password" autoComplete="off" value={token} onChange={event => setToken(event.target.value)} />
      </label>
      <p>or</p>
      <label>
        User
        <input autoComplete="username" value={user} onChange={event => setUser(event.target.value)} />
      </label>
      <label>
        Password
        <input
          type="password"
          autoComplete="current-password"
          value={password}
          onChange={event => setPassword(event.target.value)}
        />
      </label>
      <button type="submit" disabled={token.trim() === '' && user === ''}>
        Sign in
      </button>
    </form>
  )
}
