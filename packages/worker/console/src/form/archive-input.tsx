import type { ChangeEvent } from 'react'

/** A file that was chosen. */
export interface ChosenArchive {
  readonly file: File
  /** Another one for each choice, also of the same file: it may have been written anew. */
  readonly choice: number
}

interface Props {
  readonly label: string
  readonly onChange: (chosen: ChosenArchive | undefined) => void
}

/** Over all inputs, for with another `key` an input is another one. */
let choices = 0

/** Chooses the archive of a connector. With another `key` it is empty again. */
export function ArchiveInput({ label, onChange }: Props) {
  const change = ({ target }: ChangeEvent<HTMLInputElement>) => {
    const file = target.files?.[0]
    choices += 1
    onChange(file && { file, choice: choices })
  }
  return (
    <label>
      {label}
      <input type="file" accept=".tgz" onChange={change} />
    </label>
  )
}
