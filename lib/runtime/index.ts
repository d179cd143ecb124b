export { GauntletError, type ErrorCode } from './errors.js'
export { allocate, free, type AllocateOptions } from './memory.js'
export {
  cudaStatus,
  devices,
  getNumThreads,
  measureMachine,
  resolveDevice,
  setNumThreads,
  synchronize,
  type CpuDevice,
  type Device,
  type DeviceOption,
} from './device.js'
export { DeviceArray } from './device-array.js'
export {
  Execution,
  type AsyncOptions,
  type EncodedPlan,
  type EvaluateOptions,
  type Evaluation,
  type FloatArray,
  type OperandInfo,
  type ResultOf,
  type Target,
} from './execute.js'
export {
  buildInfo,
  type BuildInfo,
  type CudaDevice,
  type CudaStatus,
  type DeviceId,
  type MachineRates,
} from './native.js'
