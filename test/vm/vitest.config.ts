import { defineConfig } from 'vitest/config';
import { reporters } from '../reporters.ts';

export default defineConfig({
  root: import.meta.dirname,
  cacheDir: '../../node_modules/.vite-vm',
  test: {
    ...reporters('vm'),
    include: ['scenarios/**/*.test.ts'],
    globalSetup: 'global-setup.ts',
    // An emulated machine keeps both of its cores busy.
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
