import { useEffect, useId, useRef } from 'react'

interface Props {
  readonly title: string
  readonly text: string
  /** The word on the button that does it. */
  readonly action: string
  readonly onConfirm: () => void
  readonly onCancel: () => void
}

/** Asks before something is done. The browser keeps the focus inside, and Escape says no. */
export function Confirm({ title, text, action, onConfirm, onCancel }: Props) {
  const dialog = useRef<HTMLDialogElement>(null)
  const heading = useId()
  useEffect(() => {
    if (dialog.current?.open === false) dialog.current.showModal()
  }, [])
  return (
    <dialog ref={dialog} aria-labelledby={heading} onClose={onCancel}>
      <h2 id={heading}>{title}</h2>
      <p>{text}</p>
      <div className="actions">
        <button type="button" onClick={onCancel}>
          Cancel
        </button>
        <button type="button" className="danger" onClick={onConfirm}>
          {action}
        </button>
      </div>
    </dialog>
  )
}
