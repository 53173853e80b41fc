import { defineConfig } from 'vitest/config';
import { reporters } from '../reporters.ts';

export default defineConfig({
  root: import.meta.dirname,
  cacheDir: '../../node_modules/.vite-vm',
  test: {
    ...reporters('vm'),
    include: ['scenarios/**/*.test.ts'],
    globalSetup: 'global-setup.ts',
    // One emulated machine leaves half of a second core idle, and what is left is waiting.
    maxWorkers: 2,
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
