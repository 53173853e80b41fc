import { defineConfig } from 'vitest/config';
import { reporters } from '../reporters.ts';

/** The stages against a real API server; without KUBEBUILDER_ASSETS every case is shown as skipped. */
export default defineConfig({
  test: {
    ...reporters('kube'),
    include: ['test/kube/api/*.test.ts'],
    testTimeout: 1_200_000,
    hookTimeout: 900_000,
    fileParallelism: false,
  },
});
