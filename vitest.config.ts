import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { aliases } from './test/aliases.ts'

const src = fileURLToPath(new URL('src/', import.meta.url))

// biome-ignore lint/style/noDefaultExport: vitest wants it
export default defineConfig({
  resolve: {
    alias: aliases(src),
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/cli/build.ts',
    setupFiles: 'test/setup.ts',
    // Also where CI is set, which turns colors on.
    env: { NO_COLOR: '1' },
    // A process for each file would spend a fifth of the time on loading the same modules.
    isolate: false,
    testTimeout: 30_000,
    // A hook that compiles takes longer on a busy machine.
    hookTimeout: 120_000,
    // More than fit, since they often wait: for a disk, a server, or a process that was killed.
    maxWorkers: availableParallelism() + 2,
  },
})
