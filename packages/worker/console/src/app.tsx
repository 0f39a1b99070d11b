import { useState } from 'react'
import { authorization, setAuthorization } from './api/session.ts'
import { ConnectorPage } from './connector/connector-page.tsx'
import { CreatePage } from './form/create-page.tsx'
import { EditPage } from './form/edit-page.tsx'
import { ListPage } from './list/list-page.tsx'
import { SignedIn } from './problem.tsx'
import { useView } from './route.ts'
import { hrefOf, type View } from './view.ts'

/** The page: a head, and what the address names. */
export function App() {
  const view = useView()
  // Other credentials see other things: everything is read anew.
  const [session, setSession] = useState(0)
  const { tenant, namespace } = 'place' in view ? view.place : view
  const signOut = () => {
    setAuthorization(undefined)
    setSession(session + 1)
  }
  return (
    <SignedIn value={() => setSession(session + 1)}>
      <header>
        <h1>
          <a href={hrefOf({ page: 'list', tenant, namespace })}>Pulsar IO</a>
        </h1>
        <nav aria-label="Console">
          <a href={hrefOf({ page: 'create', kind: 'sink', tenant, namespace })}>New sink</a>
          <a href={hrefOf({ page: 'create', kind: 'source', tenant, namespace })}>New source</a>
          {authorization() !== undefined && (
            <button type="button" onClick={signOut}>
              Sign out
            </button>
          )}
        </nav>
      </header>
      <main key={`${session} ${hrefOf(view)}`}>
        <Page view={view} />
      </main>
    </SignedIn>
  )
}

function Page({ view }: { readonly view: View }) {
  if (view.page === 'list') return <ListPage tenant={view.tenant} namespace={view.namespace} />
  if (view.page === 'create') return <CreatePage {...view} />
  return view.page === 'edit' ? <EditPage place={view.place} /> : <ConnectorPage place={view.place} />
}
