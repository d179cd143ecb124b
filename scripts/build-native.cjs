#!/usr/bin/env node
'use strict'
// Builds the addon from CMakeLists.txt in a tree of its own under .cmake/ and puts gauntlet.node where the loader looks.
// Everything that builds it comes through here: npm's scripts, and node-gyp and prebuildify by way of binding.gyp.
//
//   node scripts/build-native.cjs [--out build/Release] [--node-dir <node-gyp's node_root_dir>] [--sanitize | --emulate]
//
// --emulate: CUDA kernels run on the CPU, for tests. Environment: GAUNTLET_CUDA (AUTO, ON, OFF) and GAUNTLET_CUDA_ARCHITECTURES,
// see CMakeLists.txt. prebuildify sets PREBUILD_ARCH, which marks a release: portable, with CUDA, for every architecture, unless the
// environment says otherwise.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { parseArgs } = require('node:util')

const root = path.resolve(__dirname, '..')
const { values: options } = parseArgs({
  options: {
    out: { type: 'string' },
    'node-dir': { type: 'string' },
    sanitize: { type: 'boolean', default: false },
    emulate: { type: 'boolean', default: false },
  },
})
const { GAUNTLET_CUDA, GAUNTLET_CUDA_ARCHITECTURES, PREBUILD_ARCH } = process.env

const kind = options.sanitize ? 'sanitize' : options.emulate ? 'emulate' : PREBUILD_ARCH ? 'prebuild' : 'development'
const tree = path.join(root, '.cmake', kind)
const out = path.resolve(root, options.out ?? 'build/Release')

/** What this kind of build passes to CMake. All are passed every time, so that the cache never remembers an older wish. */
const definitions = {
  development: {
    GAUNTLET_CUDA: GAUNTLET_CUDA ?? 'AUTO',
    GAUNTLET_CUDA_ARCHITECTURES: GAUNTLET_CUDA_ARCHITECTURES ?? 'AUTO',
  },
  prebuild: {
    GAUNTLET_CUDA: GAUNTLET_CUDA ?? 'ON',
    GAUNTLET_CUDA_ARCHITECTURES: GAUNTLET_CUDA_ARCHITECTURES ?? 'RELEASE',
    GAUNTLET_PORTABLE: process.platform === 'linux' && process.arch === 'x64' ? 'ON' : 'AUTO',
  },
  emulate: { GAUNTLET_CUDA: 'EMULATED' },
  sanitize: { GAUNTLET_CUDA: 'OFF', GAUNTLET_SANITIZE: 'address,undefined' },
}[kind]

/** @param {string} message @returns {never} */
function fail(message) {
  console.error(`gauntlet: ${message}`)
  process.exit(1)
}

/** @param {string} command @param {string[]} args @returns {boolean} */
function run(command, args) {
  return spawnSync(command, args, { stdio: 'inherit', cwd: root }).status === 0
}

/** The command that configures the tree. */
function configureCommand() {
  const defines = Object.entries(definitions).map(([name, value]) => `${name}=${value}`)
  let cmakeJs
  try {
    cmakeJs = require.resolve('cmake-js/bin/cmake-js')
  } catch {
    // A development dependency: an installed package does without, and takes Node's headers from node-gyp.
    if (!options['node-dir'])
      fail('run this through `npm rebuild gauntlet`, or install the development dependencies first')
    const includes = [
      path.join(options['node-dir'], 'include', 'node'),
      path.dirname(require.resolve('node-addon-api/napi.h')),
    ]
    const includeList = includes.map((folder) => path.resolve(folder)).join(';')
    defines.push('CMAKE_BUILD_TYPE=Release', `CMAKE_JS_INC=${includeList}`)
    return ['cmake', '-S', root, '-B', tree, ...defines.map((define) => `-D${define}`)]
  }
  const custom = defines.map((define) => `--CD${define}`)
  return [process.execPath, cmakeJs, 'configure', '-l', 'warn', '-d', root, '-O', tree, ...custom]
}

function configure() {
  const [command, ...args] = configureCommand()
  const configuredBefore = fs.existsSync(path.join(tree, 'CMakeCache.txt'))
  if (run(command, args)) return
  // A tree that another generator or compiler set up cannot be configured anew; start over once.
  if (configuredBefore) {
    console.error('gauntlet: trying again from scratch')
    fs.rmSync(tree, { recursive: true })
    if (run(command, args)) return
  }
  fail('CMake could not configure the build, see above')
}

if (PREBUILD_ARCH && PREBUILD_ARCH !== process.arch) {
  fail(`prebuilt addons are built on the machine they are for; this one is ${process.arch}, not ${PREBUILD_ARCH}`)
}
if (spawnSync('cmake', ['--version']).status !== 0) {
  fail('building the addon needs CMake 3.22 or newer and a C++20 compiler (Debian: apt-get install cmake g++ make)')
}
configure()
const jobs = process.env.CMAKE_BUILD_PARALLEL_LEVEL ?? String(os.availableParallelism())
if (!run('cmake', ['--build', tree, '--parallel', jobs])) fail('the addon could not be compiled, see above')

// Renamed into place, because a running process may have the old file mapped.
fs.mkdirSync(out, { recursive: true })
const target = path.join(out, 'gauntlet.node')
fs.copyFileSync(path.join(tree, 'gauntlet.node'), `${target}.new`)
fs.renameSync(`${target}.new`, target)
