// ES modules get the very same objects as CommonJS: one GauntletError class, one set of caches.
export * from './index.js'
