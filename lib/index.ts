export { GauntletError, type ErrorCode } from './runtime/errors.js'
export { buildInfo, type BuildInfo } from './runtime/native.js'
