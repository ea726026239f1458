import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const src = fileURLToPath(new URL('src/', import.meta.url))

// biome-ignore lint/style/noDefaultExport: vitest wants it
export default defineConfig({
  resolve: {
    alias: [
      { find: /^ministore-ts$/, replacement: `${src}index.ts` },
      { find: /^ministore-ts\/(\w+)$/, replacement: `${src}$1/index.ts` },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/cli/build.ts',
    testTimeout: 30_000,
    // One more than fit, since they often wait: for a disk, or for a process that was killed.
    maxWorkers: availableParallelism() + 1,
  },
})
