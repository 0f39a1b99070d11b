import { api } from '../api/client.ts'
import type { Config, Place } from '../api/types.ts'
import { Problem } from '../problem.tsx'
import { go } from '../route.ts'
import { useOnce } from '../use-once.ts'
import { changesOf } from './changes.ts'
import { ConnectorForm } from './connector-form.tsx'

/** The configuration of a connector that is there. Somebody else's change in between is refused, not lost. */
export function EditPage({ place }: { readonly place: Place }) {
  const { value, error } = useOnce('edit', async signal => {
    const [versioned, schema] = await Promise.all([api.config(place, signal), api.schema(place, signal)])
    return { ...versioned, schema }
  })
  const save = async (original: Config, etag: string | undefined, config: Config) => {
    await api.update(place, changesOf(original, config), etag)
    go({ page: 'connector', place })
  }
  return (
    <>
      <h2>
        Edit {place.name} <small>{place.kind}</small>
      </h2>
      <Problem error={error} />
      {value !== undefined && (
        <ConnectorForm
          kind={place.kind}
          schema={value.schema}
          original={value.config}
          isNew={false}
          onSubmit={config => save(value.config, value.etag, config)}
        />
      )}
    </>
  )
}
