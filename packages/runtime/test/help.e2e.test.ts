import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { buildProgram } from '../src/program.ts'
import { cli } from './cli.ts'

function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves)
}

/** What the shell would offer after these words. */
function complete(script: string, ...words: string[]): string[] {
  const program = `${script}\nCOMP_WORDS=("$@"); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _pulsar_io_runtime; echo "\${COMPREPLY[*]}"`
  return execFileSync('bash', ['-c', program, 'bash', ...words], { encoding: 'utf8' })
    .split(/\s+/)
    .filter(word => word !== '')
}

describe('help', () => {
  it('of every command shows examples', () => {
    const without = leaves(buildProgram().command).filter(command => {
      let text = ''
      command.configureOutput({ writeOut: chunk => (text += chunk) }).outputHelp()
      return !text.includes('Examples:\n  ')
    })
    expect(without.map(command => command.name())).toEqual([])
  })

  it('names the commands', async () => {
    const { code, stdout, stderr } = await cli(tmpdir(), ['--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.match(/^ {2}(\w+)(?=[| ].* {2})/gm)?.map(name => name.trim())).toEqual([
      'sinks',
      'sources',
      'run',
      'apply',
      'connectors',
      'topics',
      'worker',
      'completion',
    ])
  })

  it('prints the version', async () => {
    expect(await cli(tmpdir(), ['--version'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+/),
    })
  })
})

describe('completion', () => {
  it('offers commands, flags and values in bash', async () => {
    const { stdout } = await cli(tmpdir(), ['completion', 'bash'])
    expect(complete(stdout, 'runtime', 'con')).toEqual(['connectors'])
    expect(complete(stdout, 'runtime', 'sink', 'local')).toEqual(['localrun'])
    expect(complete(stdout, 'runtime', 'sources', 'sta')).toEqual(['status', 'start'])
    expect(complete(stdout, 'runtime', 'sinks', 'status', 'es', '--output', '')).toEqual(['json', 'table', 'yaml'])
    expect(complete(stdout, 'runtime', 'sinks', 'localrun', '--topics')).toEqual(['--topics-pattern'])
    expect(complete(stdout, 'runtime', '--archive', 'x', '--source-config-f')).toEqual(['--source-config-file'])
    expect(complete(stdout, 'runtime', 'run', '--isolation', 't')).toEqual(['thread'])
    expect(complete(stdout, 'runtime', '--archive', 'x', '--kind', '')).toEqual(['sink', 'source'])
    expect(complete(stdout, 'runtime', 'topics', 'consume', 't', '--output', '')).toEqual(['value', 'json'])
    expect(complete(stdout, 'runtime', 'topics', 'stats', 't', '--output', '')).toEqual(['json', 'table'])
    expect(complete(stdout, 'runtime', 'completion', '')).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']))
    // The shell offers files.
    expect(complete(stdout, 'runtime', 'run', '-f', '')).toEqual([])
  })

  it('refuses a shell that it does not know', async () => {
    const { code, stderr } = await cli(tmpdir(), ['completion', 'zhs'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/did you mean zsh\?/)
  })
})
