import { useState } from 'react'
import { api } from '../api/client.ts'
import type { Config, Place } from '../api/types.ts'
import { Problem } from '../problem.tsx'
import { go } from '../route.ts'
import { useOnce } from '../use-once.ts'
import { describedBy } from './archive.ts'
import { ArchiveInput, type ChosenArchive } from './archive-input.tsx'
import { changesOf } from './changes.ts'
import { ConnectorForm } from './connector-form.tsx'

/** The configuration of a connector that is there. Somebody else's change in between is refused, not lost. */
export function EditPage({ place }: { readonly place: Place }) {
  const [chosen, setChosen] = useState<ChosenArchive>()
  const archive = useOnce(`archive ${chosen?.choice}`, () => chosen && describedBy(chosen.file, place.kind))
  const { value, error } = useOnce('edit', async signal => {
    const [versioned, schema] = await Promise.all([api.config(place, signal), api.schema(place, signal)])
    return { ...versioned, schema }
  })
  const save = async (original: Config, etag: string | undefined, config: Config) => {
    await api.update(place, changesOf(original, config), etag, chosen?.file)
    go({ page: 'connector', place })
  }
  return (
    <>
      <h2>
        Edit {place.name} <small>{place.kind}</small>
      </h2>
      <Problem error={error ?? archive.error} />
      <div className="bar">
        <ArchiveInput label="New archive, to replace the one it has" onChange={setChosen} />
      </div>
      <p aria-live="polite">{archive.value?.title}</p>
      {value !== undefined && (chosen === undefined || archive.value !== undefined) && (
        <ConnectorForm
          key={chosen?.choice}
          kind={place.kind}
          schema={archive.value?.schema ?? value.schema}
          original={value.config}
          isNew={false}
          onSubmit={config => save(value.config, value.etag, config)}
        />
      )}
    </>
  )
}
