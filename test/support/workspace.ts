import { onTestFinished } from 'vitest'
import { makeWorkspace, type Workspace } from './user.ts'

export type { Workspace } from './user.ts'

/** A workspace for as long as the test runs. */
export async function workspace(): Promise<Workspace> {
  const made = await makeWorkspace()
  onTestFinished(() => made.close())
  return made
}
