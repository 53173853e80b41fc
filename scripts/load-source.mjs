import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/** Bundles a module of src/ and imports it, for scripts that run on a Node.js without TypeScript. */
export const loadSource = async (entry) => {
  const { version } = JSON.parse(await readFile('package.json', 'utf8'));
  // Beside the dependencies, so that they are found.
  const folder = await mkdtemp(resolve('node_modules/.sriovctl-'));
  const outfile = join(folder, 'module.mjs');
  try {
    await build({
      entryPoints: [entry],
      outfile,
      bundle: true,
      packages: 'external',
      format: 'esm',
      platform: 'node',
      target: 'node20.19',
      define: { __SRIOVCTL_VERSION__: JSON.stringify(version) },
      logLevel: 'warning',
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
