import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // A child process per file, so that native code which ends its process takes one file with it, not the whole run.
    pool: 'forks',
    testTimeout: 30_000,
  },
})
