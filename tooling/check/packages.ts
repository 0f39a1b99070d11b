import '../source-condition.ts'

const { main } = await import('./main.ts')
process.exitCode = await main()
