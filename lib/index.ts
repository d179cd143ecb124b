export * from './edge/index.js'
export * from './o3/index.js'
export * from './product/index.js'
export * from './runtime/index.js'
