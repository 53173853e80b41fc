import { defineConfig } from 'vitest/config';
import { reporters } from './test/reporters.ts';

export default defineConfig({
  test: {
    ...reporters('unit'),
    include: ['test/**/*.test.ts'],
    exclude: ['test/vm/**', 'test/kube/api/**', 'test/bench/**'],
    testTimeout: 30_000,
  },
});
