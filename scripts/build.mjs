// Bundles src/main.ts to dist/: a tiny entry that knows the version, and chunks beside it.
import { chmod, rename, rm } from 'node:fs/promises';
import { bundle } from './bundle.mjs';

// Built beside and then swapped in, so that a program that runs meanwhile finds its chunks.
const fresh = `dist.new-${process.pid}`;
const old = `dist.old-${process.pid}`;
await bundle({
  outdir: fresh,
  outExtension: { '.js': '.mjs' },
  chunkNames: 'chunks/[name]-[hash]',
  splitting: true,
  format: 'esm',
  // Some dependencies are CommonJS and call require() for built-in modules.
  banner: {
    js: "import { createRequire as createRequireForBundle } from 'node:module'; const require = createRequireForBundle(import.meta.url);",
  },
});
await chmod(`${fresh}/sriovctl.mjs`, 0o755);
await rename('dist', old).catch(() => undefined);
await rename(fresh, 'dist');
await rm(old, { recursive: true, force: true });
