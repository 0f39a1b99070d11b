const tty = process.stdout.isTTY === true && process.env.TERM !== 'dumb'
const colour = tty && !process.env.NO_COLOR

const paint = (code, text) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text)

/** Seconds since `start` (milliseconds), for a step line. */
const seconds = start => `${((Date.now() - start) / 1000).toFixed(1)} s`

function line(mark, title, rest) {
  console.log(`${tty ? '\r\u001b[2K' : ''}${mark} ${title.padEnd(56)} ${rest}`)
}

/** Runs one step and prints one line for it, with its time. What it throws is thrown on, after the line. */
export async function step(title, work) {
  const start = Date.now()
  if (tty) process.stdout.write(`\u001b[2m  ${title} …\u001b[0m`)
  try {
    await work()
    line(paint(32, '✓'), title, seconds(start))
  } catch (error) {
    line(paint(31, '✗'), title, seconds(start))
    throw error
  }
}
