/** Numbers of several rounds. */
export interface Spread {
  readonly min: number
  readonly median: number
  readonly max: number
}

/** One line of the table. */
export interface Figure {
  readonly name: string
  readonly unit: string
  /** What is measured. */
  readonly value: Spread
  /** What it is compared with, measured in the same rounds. */
  readonly reference?: { readonly name: string; readonly value: Spread; readonly ratio: Spread }
  /** What it has to reach, in words. */
  readonly goal: string
  readonly reached: boolean
}

/** What a benchmark gets. */
export interface BenchContext {
  /** The repository. */
  readonly root: string
  /** An empty folder, removed afterwards. */
  readonly folder: string
  readonly rounds: number
}

/** A benchmark; returns a text instead when it cannot run here. */
export type Bench = (context: BenchContext) => Promise<readonly Figure[] | string>
