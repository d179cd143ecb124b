#!/usr/bin/env node
'use strict'
// Formats the C++ and CUDA sources, or with --check fails where one is not formatted. clang-format comes from npm as
// WebAssembly, so that everyone has the same version.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const root = path.resolve(__dirname, '..')
const sources = ['native', 'cuda', 'bench']
  .filter((folder) => fs.existsSync(path.join(root, folder)))
  .flatMap((folder) =>
    fs.readdirSync(path.join(root, folder), { recursive: true }).map((name) => path.join(folder, String(name))),
  )
  .filter((name) => /\.(h|cc|cu|cuh)$/.test(name))
const command = require.resolve('@wasm-fmt/clang-format/clang-format-cli.cjs')
if (process.argv.includes('--check')) {
  const args = [command, '--dry-run', '--Werror', ...sources]
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  const unformatted = sources.filter((name) => stderr.includes(`${name}:`))
  for (const name of unformatted) console.error(name)
  if (unformatted.length > 0) console.error('These are not formatted: `npm run format` does it.')
  else if (status !== 0) console.error(stderr)
  process.exit(status ?? 1)
}
process.exit(spawnSync(process.execPath, [command, '-i', ...sources], { cwd: root, stdio: 'inherit' }).status ?? 1)
