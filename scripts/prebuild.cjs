#!/usr/bin/env node
'use strict'
// Makes the release addon: prebuilds/<platform>-<arch>/gauntlet.<libc>.node, portable and with CUDA for every architecture.
//
// npm runs a script named `prebuild` by itself before each `build` as well, and tells it nothing of that; only the command
// line of npm does. Called that way this script does nothing.

const { execFileSync, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

/** @param {number} pid @returns {{ parent: number, command: string }} */
function processInfo(pid) {
  if (process.platform === 'linux') {
    const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8')
    const command = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    return { parent: Number(/^PPid:\s*(\d+)$/m.exec(status)?.[1]), command }
  }
  const line = execFileSync('ps', ['-o', 'ppid=,args=', '-p', String(pid)], { encoding: 'utf8' })
  const [parent, ...command] = line.trim().split(/\s+/)
  return { parent: Number(parent), command: command.join(' ') }
}

/** Whether the nearest package manager above this process was asked for `build`. */
function isHookOfBuild() {
  for (let pid = process.ppid; pid > 1;) {
    const { parent, command } = processInfo(pid)
    const asked = /(?:npm|yarn)(?:-cli)?(?:\.c?js)?\s+(.*)$/.exec(command)
    if (asked) return asked[1].split(/\s+/).includes('build')
    pid = parent
  }
  return false
}

if (!isHookOfBuild()) {
  const prebuildify = require.resolve('prebuildify/bin.js')
  const args = ['--napi', '--strip', '--tag-libc', ...process.argv.slice(2)]
  const { status } = spawnSync(process.execPath, [prebuildify, ...args], {
    cwd: path.resolve(__dirname, '..'),
    stdio: 'inherit',
  })
  process.exit(status ?? 1)
}
