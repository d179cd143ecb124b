#!/usr/bin/env node
'use strict'
// Runs the tests of native code against an addon built with AddressSanitizer and UndefinedBehaviorSanitizer.
// Arguments are passed on to vitest. Leaks are not looked for: Node itself never frees what lives as long as the process.

const { execFileSync, spawnSync } = require('node:child_process')
const path = require('node:path')

const root = path.resolve(__dirname, '..')
const folder = path.join(root, '.cmake', 'sanitize', 'addon')

/** @param {string} script @param {string[]} args @param {NodeJS.ProcessEnv} [env] */
function node(script, args, env) {
  const { status } = spawnSync(process.execPath, [script, ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  })
  if (status !== 0) process.exit(status ?? 1)
}

node('scripts/build-native.cjs', ['--sanitize', '--out', path.join(folder, 'build', 'Release')])

// Node is not instrumented, so the run-time libraries have to be there before it starts.
const compiler = process.env.CXX ?? 'c++'
const libraries = ['libasan.so', 'libubsan.so'].map((name) =>
  execFileSync(compiler, [`-print-file-name=${name}`], { encoding: 'utf8' }).trim(),
)
const filters =
  process.argv.length > 2
    ? process.argv.slice(2)
    : ['test/native/', 'test/edge', 'test/lifecycle', 'test/product', 'test/tensor']
node('node_modules/vitest/vitest.mjs', ['run', ...filters], {
  GAUNTLET_PREBUILD: folder,
  LD_PRELOAD: libraries.join(' '),
  ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1',
  UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
})
