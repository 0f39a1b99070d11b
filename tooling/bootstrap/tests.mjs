import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CommandError, inForeground, quietly } from './command.mjs'
import { step } from './terminal.mjs'

/**
 * Runs the static checks (each `check:…` script of package.json) and the tests, and prints the sum of both as the last
 * line. With arguments, which go to vitest, only the tests.
 *
 * @returns {Promise<number>} the exit code
 */
export async function runTests(root, tools, args) {
  const sum = { passed: 0, failed: 0, skipped: 0 }
  if (args.length === 0) await staticChecks(root, tools, sum)
  else console.log('Static checks are left out, because arguments choose the tests.')
  const code = await tests(root, tools, args, sum)
  console.log(`\n${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
  return sum.failed > 0 ? 1 : code
}

async function staticChecks(root, tools, sum) {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  for (const name of Object.keys(scripts).filter(script => script.startsWith('check:'))) {
    try {
      await step(`${name} (${scripts[name]})`, () => quietly('pnpm', ['run', name], { cwd: root, env: tools.env }))
      sum.passed++
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      console.log(error.output)
      sum.failed++
    }
  }
}

async function tests(root, tools, args, sum) {
  const results = join(root, 'node_modules', '.vitest-results.json')
  await rm(results, { force: true })
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`]
  const code = await inForeground(tools.node, [vitest, 'run', ...reporters, ...args], { cwd: root, env: tools.env })
  const report = await readReport(results)
  sum.passed += report.numPassedTests
  sum.failed += report.numFailedTests
  sum.skipped += report.numPendingTests + report.numTodoTests
  // A file that cannot be loaded has no tests that could fail.
  sum.failed += report.testResults.filter(file => file.status === 'failed' && noneFailed(file)).length
  // An error outside of every test, or a run that was cut short.
  if (code !== 0 && sum.failed === 0) sum.failed++
  return code
}

const noneFailed = file => file.assertionResults.every(test => test.status !== 'failed')

async function readReport(file) {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch {
    // vitest ended before it could write one; its exit code says so.
    return { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] }
  }
}
