const args = process.argv.slice(2)

// A reader that has seen enough (`| head`) is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
}

if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
  const { version } = await import('./version.ts')
  process.stdout.write(`${version()}\n`)
} else {
  const { run } = await import('./run.ts')
  const code = await run(args)
  // Nothing that a library left open keeps a finished command alive; what was written gets out first.
  await Promise.all([process.stdout, process.stderr].map(stream => new Promise(done => stream.write('', done))))
  process.exit(code)
}

export {}
