const TONES: { readonly [state: string]: string } = {
  running: 'good',
  finished: 'good',
  failed: 'bad',
  'crash-loop': 'bad',
  stuck: 'bad',
  blocked: 'bad',
  reconnecting: 'warn',
  restarting: 'warn',
  paused: 'warn',
}

/** A state as a word; its colour repeats it. */
export function State({ name }: { readonly name: string }) {
  return <span className={`state ${TONES[name] ?? 'quiet'}`}>{name}</span>
}
