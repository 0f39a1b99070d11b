/** Resolves at a time in milliseconds since 1970. */
export function sleepUntil(time: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, Math.max(0, time - Date.now())))
}
