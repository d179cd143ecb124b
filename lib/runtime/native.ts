import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { GauntletError, type ErrorCode } from './errors.js'

/** What the native addon is made of. */
export interface BuildInfo {
  /** The package's version. */
  version: string
  /** The version of Node-API it was compiled for. */
  napiVersion: number
  /** The C++ compiler, as `GNU 12.2.0`. */
  compiler: string
  /** The instruction sets its CPU kernels were compiled for, lowest first; the best that the processor knows is used. */
  isaLevels: string[]
  /** The CUDA toolkit and the architectures its GPU kernels were compiled for, or null: built without CUDA. */
  cuda: { version: string; architectures: string[] } | null
}

/** A device that products run on. */
export type DeviceId = 'cpu' | `cuda:${number}`

/** Whether this process can use an NVIDIA GPU, and why not. */
export interface CudaStatus {
  /** Whether this build of the addon has CUDA kernels. */
  compiled: boolean
  /** Whether there is a driver and a GPU that they run on. */
  usable: boolean
  /** Why not, in words; empty where usable. */
  reason: string
  /** The CUDA version, as `12.4`, that the installed driver supports; empty where there is none. */
  driver: string
  /** The CUDA version of the runtime inside the addon; empty where there is none. */
  runtime: string
}

/** One NVIDIA GPU. */
export interface CudaDevice {
  id: `cuda:${number}`
  kind: 'cuda'
  name: string
  /** Bytes. */
  memory: number
  /** As `9.0`. */
  computeCapability: string
  multiprocessors: number
  /** Hz. */
  clock: number
  /** Hz. */
  memoryClock: number
  /** Bits between memory and the GPU. */
  busWidth: number
}

/** What a machine can do at best: the two lines of a roofline. */
export interface MachineRates {
  /** float32 operations per second; a fused multiply-add counts as two. */
  peakFlops: number
  /** Bytes per second of a copy far larger than the caches, bytes read plus bytes written. */
  bandwidth: number
}

/** What native/binding exports. Its functions throw Errors with a `code`; call them through `callNative`. */
export interface Addon {
  buildInfo(): BuildInfo
  cpuInfo(): { isa: string; cores: number }
  cudaStatus(): CudaStatus
  cudaDevices(): CudaDevice[]
  synchronize(device: DeviceId): void
  setNumThreads(threads: number): void
  getNumThreads(): number
  allocate(length: number, pinned: boolean | undefined): Float32Array<ArrayBuffer>
  free(array: Float32Array): void
  measureMachine(threads: number, milliseconds: number): MachineRates
  /** Of all processes that work together: see lib/runtime/communicator.ts. */
  joinRanks(library: string | undefined): { rank: number; size: number }
  sumOverRanks(array: Float32Array | Float64Array | NativeDeviceArray): void
  broadcastFrom(root: number, array: Float32Array): void
  leaveRanks(): void
  abortRanks(code: number): void
  NativeExecutor: new (device: DeviceId, integers: Int32Array, reals: Float64Array) => NativeExecutor
  NativeConvolution: new (device: DeviceId, integers: Int32Array, reals: Float64Array) => NativeConvolution
  NativeGraph: new (device: DeviceId, lists: object) => NativeGraph
  NativeEdgeFunction: new (device: DeviceId, integers: Int32Array, reals: Float64Array) => NativeEdgeFunction
  NativeContraction: new (device: DeviceId, integers: Int32Array, reals: Float64Array) => NativeContraction
  NativeKernels: new (device: DeviceId) => NativeKernels
  NativeDeviceArray: {
    new (device: DeviceId, length: number): NativeDeviceArray
    new (whole: NativeDeviceArray, from: number, length: number): NativeDeviceArray
  }
}

/** A plan on a device. What several evaluations of one call read is read once. */
export interface NativeExecutor {
  evaluate(batch: number, ...evaluations: NativeEvaluation[]): void
  evaluateAsync(batch: number, ...evaluations: NativeEvaluation[]): Promise<void>
  dispose(): void
}

/** All operands in their order, with the result's memory as that of `target`; w where there are weights. */
export type NativeEvaluation = [
  target: number,
  x1: NativeOperand,
  x2: NativeOperand,
  y: NativeOperand,
  w: NativeOperand | undefined,
  accumulate: boolean,
]

/** A convolution on a device; see native/core/convolution.h. */
export interface NativeConvolution {
  evaluate(
    target: number,
    x1: NativeOperand,
    x2: NativeOperand,
    y: NativeOperand,
    w: NativeOperand | undefined,
    graph: NativeGraph,
    accumulate: boolean,
  ): void
  dispose(): void
}

/** The lists of a graph on a device, for convolutions there. */
export type NativeGraph = object

/** A function of edges on a device; see native/core/edge_function.h. */
export interface NativeEdgeFunction {
  forward(x: NativeOperand, values: NativeOperand, rows: number): void
  backward(gradOut: NativeOperand, x: NativeOperand, grad: NativeOperand, rows: number): void
  doubleBackward(
    v: NativeOperand,
    gradOut: NativeOperand,
    x: NativeOperand,
    grad: NativeOperand,
    values: NativeOperand,
    rows: number,
  ): void
  dispose(): void
}

/** A circuit over nodes on a device; see native/core/contraction.h. */
export interface NativeContraction {
  run(elements: Int32Array, ...operands: NativeOperand[]): void
  dispose(): void
}

/**
 * Operations on matrices of floats on a device; see native/core/matrix_operations.h. All arrays are row-major and of lengths that fit, which is
 * checked there. `out` may be one of the inputs in `elementwise` and `combine`, and shares no memory with them elsewhere.
 */
export interface NativeKernels {
  fill(out: NativeOperand, value: number): void
  /** out = scale * f(inputs[0]) * inputs[1] * ...; without f, inputs[0] is a factor too. */
  elementwise(
    out: NativeOperand,
    scale: number,
    family: number,
    coefficients: Float64Array,
    inputs: readonly NativeOperand[],
  ): void
  /** out = sum of factors[n] * inputs[n] */
  combine(out: NativeOperand, factors: Float64Array, inputs: readonly NativeOperand[]): void
  /** out = inputs[n] from starts[n] on, zeros between them. Starts ascend, and inputs do not overlap. */
  concatenate(out: NativeOperand, starts: Int32Array, inputs: readonly NativeOperand[]): void
  /** One step of Adam, in place; `numbers` are those of AdamStep in native/core/adam.h. */
  adam(
    values: NativeOperand,
    gradient: NativeOperand,
    decay: NativeOperand,
    mean: NativeOperand,
    square: NativeOperand,
    largest: NativeOperand | undefined,
    numbers: Float64Array,
  ): void
  /** [rows, columns] = scale * a b (0), a b^T (1) or a^T b (2) */
  matmul(
    out: NativeOperand,
    a: NativeOperand,
    b: NativeOperand,
    transposed: number,
    rows: number,
    columns: number,
    scale: number,
  ): void
  /** out[r] = x[of[r]] */
  gather(out: NativeOperand, x: NativeOperand, dim: number, of: Int32Array): void
  /** out[s] = sum of x[order[n]] for n from start[s] to start[s + 1] */
  scatter(out: NativeOperand, x: NativeOperand, dim: number, start: Int32Array, order: Int32Array): void
  broadcastRows(out: NativeOperand, x: NativeOperand, dim: number): void
  sumRows(out: NativeOperand, x: NativeOperand, dim: number): void
  /** Columns from..from + dim of x, [rows, width]. */
  columns(out: NativeOperand, x: NativeOperand, dim: number, width: number, from: number): void
  /** x, [rows, width], as columns from..from + width of out, [rows, dim], zero elsewhere. */
  pad(out: NativeOperand, x: NativeOperand, dim: number, width: number, from: number): void
}

export type NativeOperand = Float32Array | NativeDeviceArray

/** What a DeviceArray holds. */
export interface NativeDeviceArray {
  write(from: Float32Array): void
  read(into: Float32Array): void
  dispose(): void
}

/** The package's own folder, from lib/runtime and from dist/runtime alike. */
const packageFolder = join(__dirname, '..', '..')

let addon: Addon | undefined

/**
 * The native addon, loaded at the first call, so that importing the package costs nothing and touches no device.
 *
 * @throws GauntletError ERR_ADDON, listing what was tried and the remedies, where there is none that loads, and where the
 * one that is there belongs to another version of this package.
 */
export function loadAddon(): Addon {
  addon ??= loadFrom(packageFolder)
  return addon
}

/**
 * What the native addon is made of: version, compiler, instruction sets, CUDA version and architectures.
 *
 * @example
 * buildInfo().isaLevels // ['baseline', 'avx2', 'avx512']
 * @throws GauntletError ERR_ADDON where the addon cannot be loaded
 */
export function buildInfo(): BuildInfo {
  return callNative(() => loadAddon().buildInfo())
}

/** Calls native code and turns what it throws into a GauntletError. */
export function callNative<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw fromNative(error)
  }
}

/** The same for native code that answers with a promise. */
export async function callNativeAsync<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw fromNative(error)
  }
}

// A record, so that the compiler asks for every code.
const knownCodes: Record<ErrorCode, true> = {
  ERR_ARGUMENT: true,
  ERR_IRREPS: true,
  ERR_DTYPE: true,
  ERR_LENGTH: true,
  ERR_BUFFER: true,
  ERR_UNREACHABLE: true,
  ERR_DISPOSED: true,
  ERR_DEVICE: true,
  ERR_CUDA: true,
  ERR_MEMORY: true,
  ERR_ADDON: true,
  ERR_PRECISION: true,
  ERR_DEPENDENCY: true,
  ERR_FILE: true,
  ERR_MPI: true,
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(knownCodes, code)
}

/** An Error without one of our codes is no message to the user but a bug, and stays as it is. */
function fromNative(error: unknown): unknown {
  if (error instanceof GauntletError || !(error instanceof Error)) return error
  const code = (error as NodeJS.ErrnoException).code
  return isErrorCode(code) ? new GauntletError(code, error.message, { cause: error }) : error
}

/** @internal The addon of the package in `folder`; see `loadAddon`. */
export function loadFrom(folder: string): Addon {
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }
  // Only here, so that importing the package stays cheap.
  const nodeGypBuild = createRequire(__filename)('node-gyp-build') as typeof import('node-gyp-build')
  let file: string | undefined
  let loaded: Partial<Addon>
  try {
    file = nodeGypBuild.resolve(folder)
    loaded = nodeGypBuild(folder) as Partial<Addon>
  } catch (error) {
    throw new GauntletError('ERR_ADDON', describeFailure(folder, version, file, error), { cause: error })
  }
  const found = loaded.buildInfo?.().version ?? 'an unknown version'
  if (found !== version) {
    throw new GauntletError(
      'ERR_ADDON',
      `Expected the native addon of gauntlet ${version} but ${file} belongs to ${found}.\n${remedies(folder)}`,
    )
  }
  return loaded as Addon
}

function describeFailure(folder: string, version: string, file: string | undefined, error: unknown): string {
  const { platform, arch, versions } = process
  const lines = [
    `The native addon of gauntlet ${version} could not be loaded.`,
    `  machine     ${platform} ${arch}, ${libc()}, Node.js ${versions.node} (ABI ${versions.modules}, Node-API ${versions.napi})`,
    `  looked in   ${folders(folder).map(listAddons).join('\n              ')}`,
    file === undefined
      ? '  reason      none of them holds an addon for this machine'
      : `  reason      ${file} does not load: ${error instanceof Error ? error.message : String(error)}`,
  ]
  return `${lines.join('\n')}\n${remedies(folder)}`
}

/** Where node-gyp-build looks, in its order. */
function folders(folder: string): string[] {
  const base = process.env.GAUNTLET_PREBUILD ?? folder
  const prebuilds = join(base, 'prebuilds', `${process.platform}-${process.arch}`)
  return process.env.PREBUILDS_ONLY
    ? [prebuilds]
    : [join(base, 'build', 'Release'), join(base, 'build', 'Debug'), prebuilds]
}

function listAddons(folder: string): string {
  if (!existsSync(folder)) return `${folder}: no such folder`
  const addons = readdirSync(folder).filter((name) => name.endsWith('.node'))
  return `${folder}: ${addons.length > 0 ? addons.join(', ') : 'no addon'}`
}

function libc(): string {
  if (process.platform !== 'linux') return 'system libc'
  const report = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  const glibc = report.header.glibcVersionRuntime
  return glibc === undefined ? 'musl or another libc than glibc' : `glibc ${glibc}`
}

function remedies(folder: string): string {
  return [
    'What helps:',
    '  - `npm rebuild gauntlet` builds it from source. That takes a C++20 compiler, CMake 3.22 or newer, make and Python 3',
    '    (Debian, Ubuntu: apt-get install g++ cmake make python3); with nvcc it includes the CUDA kernels, GAUNTLET_CUDA=OFF',
    '    leaves them out.',
    '  - If npm did not run install scripts (--ignore-scripts, or it asked first and they were not allowed), allow those of',
    '    gauntlet and install again.',
    `  - In a clone of the repository (${folder}), \`npm run build\`.`,
    '  - GAUNTLET_PREBUILD=<folder> takes the addon from build/Release or prebuilds of another folder.',
  ].join('\n')
}
