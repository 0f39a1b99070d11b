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
  // Smaller heaps for the threads of the connectors: docs/performance.md has the figures.
  process.getBuiltinModule('node:v8').setFlagsFromString('--optimize-for-size')
  // Keeps compiled code from one start to the next: most of a short run is compiling.
  var nodeModule = process.getBuiltinModule('node:module')
  nodeModule.enableCompileCache()
  import('../bundle/cli.js')
}
