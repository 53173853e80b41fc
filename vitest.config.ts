import { defineConfig } from 'vitest/config';
import { reporters } from './test/reporters.ts';

export default defineConfig({
  test: {
    ...reporters('unit'),
    include: ['test/**/*.test.ts'],
    exclude: ['test/vm/**', 'test/kube/api/**', 'test/bench/**'],
    // A machine with more to do takes several times as long; what hangs is still found.
    testTimeout: 90_000,
    hookTimeout: 90_000,
  },
});
