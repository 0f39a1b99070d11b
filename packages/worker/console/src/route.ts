import { useSyncExternalStore } from 'react'
import { hrefOf, type View, viewOf } from './view.ts'

/** Shows another view. */
export function go(view: View): void {
  location.hash = hrefOf(view)
}

/** The view that the address names. */
export function useView(): View {
  return viewOf(useSyncExternalStore(listen, () => location.hash))
}

function listen(changed: () => void): () => void {
  addEventListener('hashchange', changed)
  return () => removeEventListener('hashchange', changed)
}
