import { defineConfig } from 'vitest/config';
import { reporters } from '../reporters.ts';

/** Scenarios that have not passed as a whole on the real kernel yet; SRIOVCTL_VM_ALL=1 runs them too. */
const unproved = ['iommu-grub', 'persist', 'try'];

export default defineConfig({
  root: import.meta.dirname,
  cacheDir: '../../node_modules/.vite-vm',
  test: {
    ...reporters('vm'),
    include: ['scenarios/**/*.test.ts'],
    exclude:
      process.env['SRIOVCTL_VM_ALL'] === undefined
        ? unproved.map((name) => `scenarios/${name}.test.ts`)
        : [],
    globalSetup: 'global-setup.ts',
    // An emulated machine keeps both of its cores busy.
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
