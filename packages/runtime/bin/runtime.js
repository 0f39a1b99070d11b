#!/usr/bin/env node
// Plain syntax that every Node parses, so that an old one gets to the message and not to a SyntaxError.
var wanted = [22, 22]
var parts = process.versions.node.split('.')
var major = Number(parts[0])
var minor = Number(parts[1])

if (major < wanted[0] || (major === wanted[0] && minor < wanted[1])) {
  process.stderr.write(
    'error: this is Node.js ' +
      process.versions.node +
      ', but runtime needs ' +
      wanted.join('.') +
      ' or newer.\n' +
      '  Install a newer one from https://nodejs.org, or with your version manager: nvm install 24\n',
  )
  process.exitCode = 2
} else {
  start()
}

function start() {
  var v8 = process.getBuiltinModule('node:v8')
  // Smaller heaps for the threads of the connectors: docs/performance.md has the figures.
  v8.setFlagsFromString('--optimize-for-size')
  if (process.argv[2] === 'worker') startWorker(v8)
  // Keeps compiled code from one start to the next: most of a short run is compiling.
  else process.getBuiltinModule('node:module').enableCompileCache()
  import('../bundle/cli.js')
}

// A worker has hundreds of threads that mostly wait: docs/decisions/0023-memory-of-a-worker.md.
function startWorker(v8) {
  var allocator = { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '65536' }
  // glibc reads them once, when a process begins; execve keeps the process and begins anew.
  if (process.platform === 'linux' && process.env.MALLOC_ARENA_MAX === undefined && process.execve !== undefined) {
    process.execve(
      process.execPath,
      [process.argv0].concat(process.execArgv, process.argv.slice(1)),
      Object.assign(allocator, process.env),
    )
  }
  // Garbage of the start is looked for at once, and code that ran only then is given up.
  v8.setFlagsFromString('--initial-old-space-size=4')
  v8.setFlagsFromString('--bytecode-old-age=2')
  v8.setFlagsFromString('--no-sparkplug')
  // A regular expression becomes machine code once it is used more than now and then.
  v8.setFlagsFromString('--regexp-tier-up-ticks=100')
  // What is left is put together, so that whole pages become free.
  v8.setFlagsFromString('--compact-on-every-full-gc')
  // A waiting thread collects its nursery when a page of it is used, not when all of it was touched.
  v8.setFlagsFromString('--minor-gc-task-trigger=10')
  // Set this late it no longer turns off the helpers of the other collections: only those of the C++ heap, for which
  // hundreds of threads would wait in a busy loop.
  v8.setFlagsFromString('--single-threaded-gc')
}
