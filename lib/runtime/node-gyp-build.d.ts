declare module 'node-gyp-build' {
  /** Finds the addon of the package in `folder` and loads it. */
  function load(folder: string): unknown
  namespace load {
    /** The path that `load` would load; throws where there is none. */
    function resolve(folder: string): string
  }
  export = load
}
