import { describe, expect, it } from 'vitest'
import { Intake } from '../src/intake.ts'

/** A reader with one piece, which it takes when it is let. */
function reader(intake: Intake, bytes: number) {
  const made = {
    reads: 0,
    read: () => {
      made.reads++
      intake.take(bytes)
    },
  }
  return made
}

describe('Intake', () => {
  it('admits while there is room, and then lets readers go on one by one, in their order', () => {
    const intake = new Intake(100)
    const [first, second, third] = [reader(intake, 60), reader(intake, 60), reader(intake, 60)]
    expect(intake.admits(first)).toBe(true)
    intake.take(150)
    for (const each of [first, second, third]) expect(intake.admits(each)).toBe(false)
    intake.give(40)
    expect(first.reads + second.reads + third.reads).toBe(0)
    intake.give(110)
    // Two pieces pass the bound; the third has to wait.
    expect([first.reads, second.reads, third.reads]).toEqual([1, 1, 0])
    expect(intake.used).toBe(120)
    intake.give(60)
    expect(third.reads).toBe(1)
  })

  it('forgets who has gone', () => {
    const intake = new Intake(1)
    const gone = reader(intake, 1)
    intake.take(1)
    intake.admits(gone)
    intake.leave(gone)
    intake.give(1)
    expect(gone.reads).toBe(0)
  })
})
